"""What the words of --text wish of the notes, as settings: who plays, tempo, key, meter. What is set by hand wins, and that is told.

The settings that come out are what a piece's record keeps, with the text beside them as it was typed: `replay` plays these and reads
no wish out of the text again, so what a word is taken for may change between versions and the piece stays. A span ("slow" is 50 to
76 bpm) becomes one value by the asked arousal and a draw from the seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.music.families import FAMILY_NAMES
from klangbild.music.piece import PITCH_NAMES, Key
from klangbild.music.words import (
    INSTRUMENT,
    KEY,
    LEAST_BPM,
    METER,
    MODE,
    MOST_BPM,
    STYLE,
    TEMPO,
    TextReading,
    WordWish,
)
from klangbild.settings import Settings

WISHED = ("instruments", "without", "key", "tempo", "meter")
"""The settings that words can set."""
_STREAM = 1_000_003  # the draws of the words, apart from those of the notes
_PULSE = ("drums", "bass")
_BESIDE_THEM = ("guitar", "piano", "strings", "organ", "brass")
_AROUSAL_SHARE, _DRAW_SHARE = 0.3, 0.4


def with_words(
    settings: Settings, reading: TextReading, *, seed: int, asked: Emotion, families: Sequence[str] = FAMILY_NAMES
) -> Settings:
    """The settings with what the words wish, where nothing else was set by hand. families: those that the model plays."""
    wished: dict[str, Any] = {}
    rng = np.random.default_rng([seed, _STREAM])
    draws = rng.random(4)  # all of them always: one word more must not move what another comes to
    wished["without"] = _without(settings, reading)
    if settings.instruments is None:
        wished["instruments"] = _instruments(settings, reading, families, wished["without"], draws[0])
    if settings.key is None and settings.continue_from is None:
        wished["key"] = _key(reading, draws[1])
    if settings.tempo is None:
        wished["tempo"] = _tempo(reading, asked.arousal, draws[2])
    if settings.meter is None:
        wished["meter"] = _meter(reading)
    given = {name: value for name, value in wished.items() if value and value != getattr(settings, name)}
    return Settings.from_dict({**settings.as_asked(), **given}) if given else settings


def _of(reading: TextReading, *kinds: str) -> list[WordWish]:
    return [wish for wish in reading.wishes if wish.kind in kinds and not wish.denied]


def _without(settings: Settings, reading: TextReading) -> tuple[str, ...] | None:
    denied = [wish.value for wish in reading.wishes if wish.kind == INSTRUMENT and wish.denied]
    wanted = {*(settings.instruments or ()), *named_in(reading)}
    out = [*(settings.without or ()), *(name for name in denied if name not in wanted)]
    out = list(dict.fromkeys(out))
    # whoever is told to keep all of them out, or leaves fewer than --min-instruments, is not obeyed
    left = len(set(settings.instruments or FAMILY_NAMES) - set(out))
    return tuple(out) if out and left >= settings.min_instruments else settings.without


def named_in(reading: TextReading) -> tuple[str, ...]:
    """The families that words ask for by an instrument's name, in order."""
    return tuple(dict.fromkeys(wish.value for wish in _of(reading, INSTRUMENT) if not wish.faint))


def _instruments(
    settings: Settings, reading: TextReading, families: Sequence[str], without: Sequence[str] | None, draw: float
) -> tuple[str, ...] | None:
    named = named_in(reading)
    cast = tuple(dict.fromkeys(name for wish in _of(reading, STYLE) for name in wish.value.cast))
    # "jazz piano" is a piano that plays jazz; "rock with violins" is a rock band and violins, "hip hop beats" is hip hop
    among = set(named) <= set(cast) and not set(named) <= set(_PULSE)
    playing = named if named and among else (*named, *cast)

    def free(names: Sequence[str]) -> list[str]:
        return [name for name in dict.fromkeys(names) if name in families and name not in (without or ())]

    found = free(playing)
    alone = any(wish.alone for wish in _of(reading, INSTRUMENT))
    if found and not alone and set(found) <= set(_PULSE):
        # a beat goes along with something: only "only drums" are drums alone
        found += [name for name in free(_PULSE) if name not in found]
        others = free(_BESIDE_THEM)
        found += others[int(draw * len(others)) :][:1]
    return tuple(found) if found and len(found) >= settings.min_instruments else None


def _key(reading: TextReading, draw: float) -> str | None:
    wishes = _of(reading, KEY, MODE)
    keys = [wish.value for wish in wishes if wish.kind == KEY]
    if keys:
        return keys[0]
    return str(Key(int(draw * len(PITCH_NAMES)), wishes[0].value)) if wishes else None


def _tempo(reading: TextReading, arousal: float, draw: float) -> float | None:
    span = tempo_span(reading)
    if span is None:
        return None
    place = min(max(0.5 + _AROUSAL_SHARE * arousal + _DRAW_SHARE * (draw - 0.5), 0.0), 1.0)
    return float(round(span[0] + (span[1] - span[0]) * place, 1 if span[0] == span[1] else 0))


def tempo_span(reading: TextReading) -> tuple[float, float] | None:
    """Lowest and highest bpm that all words of tempo together allow; a style says it where they do not. The first word wins."""
    spans = sorted((wish.value for wish in _of(reading, TEMPO)), key=lambda span: span[0] != span[1])
    spans += [wish.value.tempo for wish in _of(reading, STYLE) if wish.value.tempo]
    found: tuple[float, float] | None = None
    for low, high in spans:
        if high < LEAST_BPM or low > MOST_BPM:
            continue
        if found is None:
            found = (low, high)
        elif max(low, found[0]) <= min(high, found[1]):
            found = (max(low, found[0]), min(high, found[1]))
    return found


def _meter(reading: TextReading) -> str | None:
    said = [wish.value for wish in _of(reading, METER) if wish.value]
    said += [wish.value.meter for wish in _of(reading, STYLE) if wish.value.meter]
    return said[0] if said else None
