"""One id from a model's odds: guidance, the kinds of ids, temperature, top-k and top-p, over the ids that may come alone.

A grammar leaves some ten to some hundred of a thousand ids. Only the normalisation of the model's odds needs all of them;
everything else is reckoned for those few, named by `ids` (n,), ascending; all other arrays (n,) run beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klangbild.notes import bars
from klangbild.notes.language import NoteLanguage

NEVER_BELOW = np.float32(-9.0)
"""Guidance may not bring up an id whose own log-probability, with the picture, is lower than this."""
UNBOUND = 0.3
"""Where another emotion is asked than of the section before, what the model expects of tempo and loudness (that they stay) counts
by so much only."""
RHYTHM, NOTE, TEMPO, VELOCITY = KINDS = range(4)
"""Kinds of ids. All languages know the first two: what places music in time, and what sounds."""


@dataclass(frozen=True)
class Sampling:
    """How adventurous to be. Temperatures > 0; top_p in (0, 1]; top_k 0 = off; penalty and guidance >= 1 (1 = off)."""

    note_temperature: float = 1.0
    rest_temperature: float = 1.0
    top_p: float = 0.995
    top_k: int = 0
    repetition_penalty: float = 1.0
    guidance: float = 1.75
    gen_len: int | None = None


def log_odds(logits: np.ndarray, ids: np.ndarray, guidance: float) -> np.ndarray:
    """logits (rows, size) -> log-odds (n,) of the ids: with one row the model's own, with two guided away from the second row."""
    logits = logits - logits.max(axis=1, keepdims=True)
    normalised = logits[:, ids] - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    if len(normalised) == 1:
        return normalised[0]
    odds, free = normalised
    return np.where(odds > NEVER_BELOW, odds + (guidance - 1.0) * (odds - free), odds - 50.0)


def probabilities(
    odds: np.ndarray, leaning: np.ndarray, kinds: np.ndarray, sampling: Sampling, *, moved: bool
) -> np.ndarray:
    """Log-odds (n,) -> probabilities (n,), up to a factor: first which kind of id (when), then which one of the kind (what).

    leaning: log-odds added among the ids of a kind; how often the kind comes they leave alone. moved: another emotion is asked
    than of the section before. All in logarithms, since a cold temperature can make the likeliest of what is allowed as
    unlikely as exp(-500).
    """
    within = np.zeros(len(odds))
    masses: list[tuple[np.ndarray, float]] = []
    for kind in KINDS:
        mine = np.flatnonzero(kinds == kind)
        if not len(mine):
            continue
        own = odds[mine]
        top = own.max()
        mass = float(top + np.log(np.exp(own - top).sum()))
        inner = own + leaning[mine]
        if moved and kind in (TEMPO, VELOCITY):
            inner = inner - (1.0 - UNBOUND) * own
        inner = inner / (sampling.rest_temperature if kind in (RHYTHM, TEMPO) else sampling.note_temperature)
        inner = np.exp(inner - inner.max())
        within[mine] = inner / inner.sum()
        masses.append((mine, mass / sampling.rest_temperature))
    likeliest = max(mass for _, mass in masses)
    for mine, mass in masses:
        within[mine] *= np.exp(mass - likeliest)
    return within


def pick(chances: np.ndarray, sampling: Sampling, rng: np.random.Generator) -> int:
    """Index of one of the chances (n,), drawn from the likeliest `top_k` and of these from the share `top_p`."""
    if 0 < sampling.top_k < len(chances):
        first = np.argsort(-chances, kind="stable")[: sampling.top_k]
        rest = np.zeros_like(chances)
        rest[first] = chances[first]
        chances = rest
    share = sampling.top_p * chances.sum()
    # what is less likely than this cannot, all of it together, reach into the share: it need not be sorted
    least = (chances.sum() - share) / len(chances)
    likely = np.flatnonzero(chances > least)
    order = likely[np.argsort(-chances[likely], kind="stable")]
    ranked = chances[order]
    cumulative = np.cumsum(ranked)
    if sampling.top_p < 1.0:
        cumulative = cumulative[cumulative - ranked < share]
    place = int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
    return int(order[min(place, len(cumulative) - 1)])


def kinds_of(language: NoteLanguage) -> np.ndarray:
    """Of each id of the language (size,) its kind."""
    kinds = np.where(language.is_rhythm, RHYTHM, NOTE)
    if language.name == "bars":
        kinds[bars.TEMPO_0 : bars.POSITION_0] = TEMPO
        kinds[bars.VELOCITY_0 :] = VELOCITY
    return kinds
