"""Words -> a point on the music's plane: exact and stemmed matches in a table, negation, intensity. Never a guess.

The table (`affect_words`, with its translations) speaks of what the music should do, so its numbers live on the music's plane, not
on the raters'. Where a small sentence encoder is installed (`sentence_encoder`), a word that is not in the table is placed between
those that are near it, and it is told that this was done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from klangbild.emotion.affect_translations import AFFECT_TRANSLATIONS, MORE_ENGLISH
from klangbild.emotion.affect_words import AFFECT_WORDS
from klangbild.emotion.languages import LANGUAGES
from klangbild.emotion.lexicon import FEELING, MOST_ASKED_ABOUT, Lexicon, Meaning
from klangbild.emotion.word_reader import Understood, understand

_NEGATED = -0.55  # "not sad" is a little happy, not as happy as "happy"


@dataclass(frozen=True)
class WordMatch:
    """One understood word: as it was written, the table's English word, and what it asks for, -1..1 each.

    near: the table's word is only the nearest in meaning, and the place is between it and its neighbors.
    """

    written: str
    word: str
    valence: float
    arousal: float
    negated: bool
    near: bool = False


@dataclass(frozen=True)
class WordsReading:
    """What a text asks for. `valence`, `arousal` on the music's plane (0 when nothing matched).

    unknown: words that are not in the table, in order; nearest: for some of them a table word that is spelt alike.
    beside: a sentence for each word that asks for something else of the music than a feeling (`music.words` fills it). text: as it
    was written.
    """

    valence: float
    arousal: float
    matches: tuple[WordMatch, ...]
    unknown: tuple[str, ...]
    nearest: dict[str, str]
    beside: tuple[str, ...] = ()
    text: str = ""


def read_words(text: str) -> WordsReading:
    """Read a text such as "stormy, heroic", "not sad, slightly tense" or "ein stiller, heiterer Abend".

    Several words are averaged, strong words counting more than mild ones.

    >>> reading = read_words("a serene lake, not sad, qwxz")
    >>> reading.valence > 0.3 and reading.arousal < 0, reading.unknown
    (True, ('qwxz',))
    """
    return feelings_of(understand(text, _lexicon()), _lexicon())


def feelings_of(understood: Understood, lexicon: Lexicon, *, things: Sequence[str] = ()) -> WordsReading:
    """What the feelings in a text ask for. things: kinds of meaning that, denied, are no feeling: "no drums" is not gloomy."""
    matches = [
        _match(said.written, feeling.word, feeling.value, said.factor, said.negated)
        for said in understood.said
        if (feeling := said.meaning(FEELING)) and not (said.negated and any(map(said.meaning, things)))
    ]
    unknown = {strange.written: strange for strange in understood.strange}
    asked, home = list(unknown)[:MOST_ASKED_ABOUT], (understood.languages[0], "en")
    nearest = {word: near for word in asked if (near := lexicon.alike(word, home))}
    # a slip of the pen is asked about, not placed by its sound
    for written, neighbor in _neighbors([word for word in unknown if word not in nearest]).items():
        strange = unknown.pop(written)
        place = (neighbor.valence, neighbor.arousal)
        matches.append(_match(written, neighbor.word, place, strange.factor, strange.negated, near=True))
    for word in asked:  # words of other languages only where nothing else is known, and more alike
        left = word in unknown and word not in nearest
        if left and (near := lexicon.alike(word, understood.languages, cutoff=0.85, begin=1)):
            nearest[word] = near
    if not matches:
        return WordsReading(0.0, 0.0, (), tuple(unknown), nearest, text=understood.text)
    weights = [0.25 + max(abs(m.valence), abs(m.arousal)) for m in matches]
    valence = sum(w * m.valence for w, m in zip(weights, matches, strict=True)) / sum(weights)
    arousal = sum(w * m.arousal for w, m in zip(weights, matches, strict=True)) / sum(weights)
    place = (round(valence, 4), round(arousal, 4))
    return WordsReading(*place, tuple(matches), tuple(unknown), nearest, text=understood.text)


def feeling_entries() -> Iterator[tuple[str, str, Meaning]]:
    """(language, word, what it feels like) of all five languages, for a `Lexicon`."""
    table = english_words()
    for word, place in table.items():
        yield "en", word, Meaning(FEELING, word, place)
    for entry in MORE_ENGLISH.strip().replace("\n", " | ").split(" | "):
        english, _, words = entry.partition(": ")
        yield from (("en", word, Meaning(FEELING, english, table[english])) for word in words.split())
    for line in AFFECT_TRANSLATIONS.strip().splitlines():
        english, _, cells = line.partition(": ")
        for language, cell in zip(LANGUAGES[1:], cells.split(" | "), strict=True):
            for word in cell.split():
                yield language, word, Meaning(FEELING, english, table[english])


def _match(
    written: str, word: str, place: tuple[float, float], factor: float, negated: bool, *, near: bool = False
) -> WordMatch:
    sign = _NEGATED if negated else 1.0
    valence, arousal = (round(max(-1.0, min(1.0, x * factor * sign)), 3) for x in place)
    return WordMatch(written, word, valence, arousal, negated, near)


def _neighbors(words: list[str]) -> dict:
    """{word: `word_neighbors.Neighbor`} for those that an installed sentence encoder can place; else {}."""
    if not words:
        return {}
    from klangbild.emotion.sentence_encoder import NEAR, encoder_folder

    folder = encoder_folder()
    if folder is None:
        return {}
    from klangbild.emotion.word_neighbors import open_neighbors

    return open_neighbors(folder, tuple(english_words().items())).find(words, least=NEAR)


@lru_cache(maxsize=1)
def _lexicon() -> Lexicon:
    return Lexicon(feeling_entries())


@lru_cache(maxsize=1)
def english_words() -> dict[str, tuple[float, float]]:
    """{English word: (valence, arousal)}, -1..1."""
    words: dict[str, tuple[float, float]] = {}
    for line in AFFECT_WORDS.strip().splitlines():
        numbers, _, named = line.partition(":")
        valence, arousal = (int(n) / 100 for n in numbers.split())
        words |= dict.fromkeys(named.split(), (valence, arousal))
    return words
