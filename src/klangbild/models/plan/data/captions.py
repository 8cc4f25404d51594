"""Captions of clips, made from what is known of each: "a slow, mournful piece for piano and strings in minor".

Nobody wrote words for these clips, so they are said anew every time a clip is drawn: some of the facts, in some order, with
synonyms, in one of several forms. Emotion words are those of the affect table that lie near the clip's valence and arousal.
Facts are left out at random, so that the model learns to do without any of them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from klangbild.emotion.words import english_words
from klangbild.models.plan.caption_words import (
    KINDS,
    default_words,
    density_word,
    tempo_word,
)
from klangbild.music.families import FAMILY_NAMES

if TYPE_CHECKING:
    from klangbild.models.plan.data.prepared import PlanClips

NEARNESS = 0.22
"""How far from a clip's place its emotion words lie (standard deviation, on -1..1)."""
_TEMPO_SAID, _MODE_SAID, _DENSITY_SAID, _KIND_SAID, _PLAYERS_SAID, _EMOTION_SAID = 0.6, 0.6, 0.4, 0.5, 0.7, 0.85
_PLAYERS = {
    "drums": ("drums", "percussion"), "piano": ("piano",), "mallet": ("vibraphone", "bells", "mallets"),
    "organ": ("organ", "accordion"), "guitar": ("guitar", "guitars"), "bass": ("bass",),
    "strings": ("strings", "violins", "cello"), "brass": ("brass", "trumpet", "horns"),
    "winds": ("winds", "flute", "clarinet"), "lead": ("synth", "lead"), "pad": ("pad", "pads"),
}  # fmt: skip


def caption(
    data: PlanClips, clip: int, rng: np.random.Generator, *, full: bool = False, feelings: float | None = None
) -> str:
    """Words for a clip. full: leave no fact out (for measuring). feelings: how often emotion words are said, 0..1."""

    facts = data.facts(clip)

    def said(share: float) -> bool:
        return full or rng.random() < share

    felt = said(_EMOTION_SAID) if feelings is None else rng.random() < feelings
    emotion = emotion_words(facts["valence"], facts["arousal"], rng) if felt else []
    tempo = ""
    if said(_TEMPO_SAID):
        tempo = tempo_word(facts["tempo"]) if rng.random() < 0.7 else f"{facts['tempo']:.0f} bpm"
    mode = ("minor", "major")[facts["mode"]] if said(_MODE_SAID) else ""
    meter = {"triple": "waltz", "compound": "6/8"}.get(facts["meter"], "") if said(0.5) else ""
    density = density_word(facts["rate"]) if said(_DENSITY_SAID) else ""
    kind = KINDS.get(facts["pool"], "") if said(_KIND_SAID) else ""
    parts = [part for part in (tempo, density, kind, meter) if part]
    return _phrased(emotion, parts, mode, _players(facts["families"], rng, full), rng)


def emotion_words(valence: float, arousal: float, rng: np.random.Generator) -> list[str]:
    """One to three affect words near a place of the music's plane."""
    words, places = _affect_table()
    distance = ((places - (valence, arousal)) ** 2).sum(axis=1)
    odds = np.exp(-(distance - distance.min()) / (2 * NEARNESS**2))
    n = int(rng.choice((1, 2, 3), p=(0.45, 0.4, 0.15)))
    return [words[i] for i in rng.choice(len(words), size=n, replace=False, p=odds / odds.sum())]


def _players(families: int, rng: np.random.Generator, full: bool) -> list[str]:
    playing = [name for bit, name in enumerate(FAMILY_NAMES) if families >> bit & 1]
    if not full and rng.random() >= _PLAYERS_SAID:
        return []
    kept = [name for name in playing if full or rng.random() < 0.8]
    named = [str(rng.choice(_PLAYERS[name])) for name in rng.permutation(kept)[:5]] if kept else []
    if len(playing) == 1 and named and rng.random() < 0.5:
        named[0] = f"solo {named[0]}"
    elif len(playing) >= 6 and rng.random() < 0.3:
        named.insert(0, "ensemble")
    return named


def _phrased(emotion: list[str], parts: list[str], key: str, players: list[str], rng: np.random.Generator) -> str:
    """One of three ways to say it."""
    way = int(rng.integers(3))
    played = f" for {', '.join(players[:-1]) + ' and ' if players[1:] else ''}{players[-1]}" if players else ""
    if way == 0:
        pieces = [*emotion, *parts, *([f"in {key}" if key else ""]), *players]
        return ", ".join(pieces[i] for i in rng.permutation(len(pieces)) if pieces[i])
    mixed = [emotion, parts] if way == 1 else [parts, emotion]
    described = ", ".join(word for group in mixed for word in group)
    noun = "piece" if way == 1 else "music"
    return f"{described} {noun}{played}{f' in {key}' if key else ''}".strip()


@lru_cache(maxsize=1)
def _affect_table() -> tuple[list[str], np.ndarray]:
    """Affect words that the vocabulary knows under their own name, and their places (n, 2)."""
    places = english_words()
    words = [word for word in default_words() if word in places and word not in FAMILY_NAMES]
    return words, np.array([places[word] for word in words])
