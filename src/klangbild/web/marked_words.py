"""Which words of a text the chosen engine hears, and as what: the page marks each while it is typed.

The notes models, and our plan model, hear what `music.words` reads: feelings, players, tempo, key, meter, style. The plan model knows more words
besides, and hears those to keep away from. Published sound systems read any text, and of them nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from klangbild.emotion.space import Emotion
from klangbild.emotion.words import WordsReading
from klangbild.models.registry import player_of
from klangbild.music.words import (
    INSTRUMENT,
    STYLE,
    TEMPO,
    WordWish,
    feelings_in,
    of_a_sound_engine,
    read_text,
    style_words,
)


@dataclass(frozen=True)
class MarkedWord:
    """A word or phrase from letter `start` to `end` of the text. heard: None where nobody can say. means: what it is heard as, if that is known.
    denied: behind a "no"."""

    written: str
    start: int
    end: int
    heard: bool | None
    means: str = ""
    denied: bool = False


def marked_words(
    text: str | None, *, engine: str, model: str | None = None, negative: bool = False
) -> tuple[MarkedWord, ...]:
    """The words of a text that are meant to say something; small ones ("and", "very") are left out.

    negative: the text is what to keep away from.

    >>> [(word.written, word.heard, word.means) for word in marked_words("calm, xyzzy, no drums", engine="notes")]
    [('calm', True, 'calm'), ('xyzzy', False, ''), ('drums', True, 'drums')]
    """
    if not text or not text.strip():
        return ()
    reading = read_text(text)
    player = player_of(engine, model)
    ours, plan = player.name in ("bars", "plan"), player.name == "plan"
    unknown = _unknown_to_plan(text, model) if plan else None
    means = {match.written: Emotion(match.valence, match.arousal).name for match in reading.feelings.matches}
    means |= {wish.written: _meaning(wish) for wish in reading.wishes if not wish.place[1]}
    near = {match.written for match in reading.feelings.matches if match.near}
    denied = {match.written for match in reading.feelings.matches if match.negated} | {
        wish.written for wish in reading.wishes if wish.denied
    }
    found: dict[tuple[int, int], MarkedWord] = {}
    for unit in reading.understood.units:
        if unit.does not in ("said", "unknown") or unit.place in found:
            continue
        known = unit.does == "said" or unit.written in near
        if plan:
            beyond = not any(part in (unknown or ()) for part in unit.written.split())
            known = beyond if negative else known or beyond
        # "no drums" among words to keep away from is told, and left aside
        known = known and not (negative and (not plan or unit.written in denied))
        heard = known if ours else None
        found[unit.place] = MarkedWord(
            unit.written, *unit.place, heard, means.get(unit.written, "") if heard else "", unit.written in denied
        )
    for wish in reading.wishes:
        if wish.place[1]:
            known = not negative or (plan and not wish.denied)
            found[wish.place] = MarkedWord(
                wish.written, *wish.place, known if ours else None, _meaning(wish), wish.denied
            )
    return tuple(found[place] for place in sorted(found))


def feelings_for(text: str | None, *, engine: str, model: str | None = None) -> WordsReading | None:
    """What a reading of the mood takes of a text (see `music.words.feelings_in`): of the words that are no feelings only those are called
    unknown that the engine does not know either."""
    feelings = feelings_in(text)
    if feelings is None or engine == "notes":
        return feelings
    if player_of(engine, model).name != "plan":
        return of_a_sound_engine(feelings)
    unknown = _unknown_to_plan(str(text), model)
    return replace(feelings, unknown=tuple(word for word in feelings.unknown if set(word.split()) & unknown))


def _meaning(wish: WordWish) -> str:
    if wish.kind == TEMPO:
        low, high = wish.value
        return f"{low:g} bpm" if low == high else f"{low:g} to {high:g} bpm"
    if wish.kind == STYLE:
        return style_words(wish.value)
    return str(wish.value) if wish.kind == INSTRUMENT or wish.value else ""


def _unknown_to_plan(text: str, model: str | None) -> frozenset[str]:
    from klangbild.models.plan.base import model_folder, shipped_folder
    from klangbild.models.plan.english import in_english
    from klangbild.models.plan.near_words import nearest_meanings

    vocabulary = _vocabulary(model_folder(model) or shipped_folder())
    english, _ = in_english(text, vocabulary)
    return frozenset(vocabulary.read(english, partial(nearest_meanings, vocabulary.meanings())).unknown)


@lru_cache(maxsize=2)
def _vocabulary(folder: Path):
    from klangbild.models.plan.base import read_card
    from klangbild.models.plan.caption_words import Vocabulary

    return Vocabulary(read_card(folder)["vocabulary"])
