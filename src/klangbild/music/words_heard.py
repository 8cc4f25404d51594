"""How each word of --text was heard, a line each: `"piano": plays`, `"langsam": 66 bpm`, or why it was left aside.

Made from the text and the settings that were played, so that a replay tells the same. In a piece from before words were wishes the
settings hold none of them, and the lines say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from klangbild.emotion.space import Emotion
from klangbild.music.families import FAMILY_NAMES
from klangbild.music.piece import Key
from klangbild.music.word_wishes import WISHED, named_in, with_words
from klangbild.music.words import INSTRUMENT, KEY, LEAST_BPM, METER, MODE, MOST_BPM, STYLE, TEMPO, WordWish, read_text
from klangbild.settings import Settings, flag_of


def told_of_words(
    settings: Settings,
    *,
    seed: int,
    asked: Emotion,
    families: Sequence[str] = FAMILY_NAMES,
    unknown: Sequence[str] | None = None,
) -> list[str]:
    """Of the words of `settings.text`: what the wishes among them came to, what was heard as something near, what not at all.

    unknown: what a model that knows more words did not understand; None: it knows no others.

    >>> from klangbild.emotion.space import Emotion
    >>> told_of_words(Settings(text="calm piano", instruments=("piano",)), seed=1, asked=Emotion(0, 0))
    ['"piano": plays']
    """
    reading = read_text(settings.text)
    lines = [f'"{match.written}" is heard as near "{match.word}"' for match in reading.feelings.matches if match.near]
    lines += [f'"{wish.written}": {_heard(wish, settings, families)}' for wish in reading.wishes]
    bare = Settings(**{**_plain(settings), **dict.fromkeys(WISHED)})
    would = with_words(bare, reading, seed=seed, asked=asked, families=families)
    beside = [name for name in would.instruments or () if name not in _named(reading.wishes)]
    if beside and would.instruments == settings.instruments:
        named = " and ".join(named_in(reading))
        lines.append(f'"{named}": {", ".join(beside)} play along; "only {named}" leaves them out')
    nearest = reading.feelings.nearest
    left = [word for word in reading.feelings.unknown if unknown is None or word in unknown]
    lines += [
        f'not understood, left aside: {word}; did you mean "{nearest[word]}"?' for word in left if word in nearest
    ]
    strange = [word for word in left if word not in nearest]
    return lines + ([f"not understood, left aside: {', '.join(strange)}"] if strange else [])


def _plain(settings: Settings) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in settings.as_dict().items()}


def _named(wishes: Sequence[WordWish]) -> set[str]:
    families = {wish.value for wish in wishes if wish.kind == INSTRUMENT}
    return families.union(*(wish.value.cast for wish in wishes if wish.kind == STYLE))


def _heard(wish: WordWish, settings: Settings, families: Sequence[str]) -> str:
    if wish.kind == INSTRUMENT:
        return _instrument(wish, settings, families)
    if wish.kind == STYLE:
        return _style(wish, settings)
    if wish.kind == TEMPO:
        low, high = wish.value
        if high < LEAST_BPM or low > MOST_BPM:
            return f"left aside; {LEAST_BPM} to {MOST_BPM} bpm are played"
        return _one("tempo", settings, wish.value[0] - 0.5 <= (settings.tempo or 0) <= wish.value[1] + 0.5)
    if wish.kind == METER:
        if wish.value is None:
            return "left aside; no such meter is written here (see --meter)"
        return _one("meter", settings, settings.meter == wish.value)
    if settings.key is None and settings.continue_from is not None:
        return "left aside; a piece that goes on keeps its key (see --key)"
    same = settings.key is not None and _same_key(wish, Key.parse(settings.key))
    return _one("key", settings, same)


def _same_key(wish: WordWish, key: Key) -> bool:
    return key == Key.parse(wish.value) if wish.kind == KEY else key.mode == wish.value if wish.kind == MODE else False


def _one(name: str, settings: Settings, granted: bool) -> str:
    """What a word of tempo, key or meter came to."""
    value = getattr(settings, name)
    if value is None:
        return f"left aside (see {flag_of(name)})"
    shown = f"{value:g} bpm" if name == "tempo" else str(value)
    return shown if granted else f"left aside; the {name} is {shown}"


def _instrument(wish: WordWish, settings: Settings, families: Sequence[str]) -> str:
    family, playing, out = wish.value, settings.instruments or (), settings.without or ()
    own_name = wish.written in (family, family.removesuffix("s"))
    if wish.denied:
        if family in out or (playing and family not in playing):
            return "left out" if own_name else f"left out, with all {family}"
        return "left aside; it is asked for, too" if family in playing else "left aside (see --without)"
    if wish.faint:
        return f'left aside; "no {wish.written}" leaves them out, --instruments says who plays'
    if family in playing:
        return "plays" if own_name else f"played by {family}"
    if family not in families:
        return f"left aside; this model plays {', '.join(families)}"
    if family in out:
        return f"left out, as --without {family} says"
    if playing:
        return f"left aside; --instruments says {', '.join(playing)}"
    return "left aside (see --instruments)"


def _style(wish: WordWish, settings: Settings) -> str:
    style, granted = wish.value, []
    if wish.denied:
        return "left aside; say which instruments to leave out"
    playing = [name for name in style.cast if name in (settings.instruments or ())]
    if playing:
        granted.append(", ".join(playing))
    if style.meter and style.meter == settings.meter:
        granted.append(style.meter)
    if style.tempo and style.tempo[0] <= (settings.tempo or 0) <= style.tempo[1]:
        granted.append(f"{settings.tempo:g} bpm")
    return ", ".join(granted) or "left aside; other words or options say otherwise"
