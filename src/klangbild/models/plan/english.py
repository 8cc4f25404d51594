"""Words of other languages, and names that the sound vocabulary lacks, as words that it has; English that it knows stays as it is.

The vocabulary is the network's, and English for ever. What a text says is read by `music.words`, as for every engine; here it is
said again with the vocabulary's words: "traurige Geige, ohne Schlagzeug" becomes "sad strings, without drums".
"""

from __future__ import annotations

from klangbild.emotion.lexicon import FEELING, Meaning, Unit
from klangbild.models.plan.caption_words import Vocabulary, tempo_word
from klangbild.music.words import INSTRUMENT, KEY, METER, MODE, STYLE, TEMPO, WordWish, read_text

_METERS = {"3/4": "triple", "6/8": "compound", "12/8": "compound"}


def in_english(text: str | None, vocabulary: Vocabulary) -> tuple[str, dict[str, str]]:
    """(the text as the vocabulary can read it, {a word as it was written: what it was taken for}).

    >>> in_english("langsame, traurige Geige, ohne Schlagzeug", Vocabulary())[0]
    'slow, sad strings, without drums'
    >>> in_english("slow, sad violin, no drums", Vocabulary())
    ('slow, sad violin, no drums', {})
    """
    reading = read_text(text)
    understood = reading.understood
    places: dict[tuple[int, int], tuple[str, str]] = {}
    taken: dict[str, str] = {}
    for unit in understood.units:
        said = _said(unit, vocabulary, at_home=understood.languages[0] == "en")
        if said is not None:
            before = places.get(unit.place, ("", ""))[1]
            places[unit.place] = (unit.written, f"{before} {said}".strip())
            if unit.does == "said":
                taken[unit.written] = places[unit.place][1]
    for wish in reading.wishes:
        if wish.place[1] and (said := _signs(wish, vocabulary)):
            places[wish.place] = (wish.written, said)
            taken[wish.written] = said
    left = reading.feelings.text
    for (start, end), (_, said) in sorted(places.items(), reverse=True):
        left = left[:start] + said + left[end:]
    return left, taken


def _said(unit: Unit, vocabulary: Vocabulary, *, at_home: bool) -> str | None:
    """What stands for a word or phrase; None: it stays. at_home: the text is in English, whose small words are known."""
    if unit.does in ("not", "without"):
        return None if unit.language == "en" else "without"
    if unit.does in ("plain", "link", "break", "only", "factor"):
        if at_home or unit.language == "en":
            return None
        return "very" if unit.factor > 1.1 else ""
    if unit.does != "said":
        return None
    if unit.language == "en" and _knows(vocabulary, unit.written):
        return None
    feels = any(meaning.kind == FEELING and _knows(vocabulary, meaning.word) for meaning in unit.meanings)
    meanings = [
        meaning for meaning in unit.meanings if not (feels and meaning.kind == TEMPO)
    ]  # "lent" is slow, and no largo
    said = " ".join(dict.fromkeys(word for meaning in meanings if (word := _word(meaning, vocabulary))))
    return None if said in ("", unit.written) else said


def _word(meaning: Meaning, vocabulary: Vocabulary) -> str | None:
    if meaning.kind == TEMPO:
        low, high = meaning.value
        return tempo_word((low + high) / 2)
    if meaning.kind == METER:
        return _METERS.get(meaning.value)
    if meaning.kind == STYLE and not _knows(vocabulary, meaning.word):
        return " ".join(name for name in meaning.value.cast if _knows(vocabulary, name)) or None
    if meaning.kind in (FEELING, INSTRUMENT, MODE, STYLE):
        return meaning.word if _knows(vocabulary, meaning.word) else None
    return None


def _signs(wish: WordWish, vocabulary: Vocabulary) -> str | None:
    """Keys, tempos and meters in numbers or signs, where the vocabulary does not read them as they are."""
    if wish.value is None or _knows(vocabulary, wish.written):
        return None
    if wish.kind == KEY:
        return str(wish.value).lower()
    if wish.kind == TEMPO:
        return f"{wish.value[0]:g} bpm"
    return _METERS.get(wish.value)


def _knows(vocabulary: Vocabulary, written: str) -> bool:
    found = vocabulary.read(written)
    return bool(found.known) and not found.unknown
