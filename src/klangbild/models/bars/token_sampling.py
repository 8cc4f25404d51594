"""One id from a model's odds: guidance, the kinds of ids, temperature, top-k and top-p, over the ids that may come alone.

A grammar leaves some ten to some hundred of a thousand ids. Only the normalisation of the model's odds needs all of them;
everything else is reckoned for those few, `ids` (n,), and all other arrays (n,) run beside them. They stand kind by kind, so
that each operation does all kinds at once: after a step of the network every call finds its caches cold, and few calls cost less
than few numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klangbild.contract import NoteLanguage
from klangbild.models.bars import language as bars
from klangbild.settings import Settings

NEVER_BELOW = np.float32(-9.0)
"""Guidance may not bring up an id whose own log-probability, with the picture, is lower than this."""
UNBOUND = 0.3
"""Where another emotion is asked than of the section before, what the model expects of tempo and loudness (that they stay) counts
by so much only."""
RHYTHM, NOTE, TEMPO, VELOCITY = range(4)
"""Kinds of ids. Every language has the first two."""
_TIMED = np.array([True, False, True, False])  # ruled by `rest_temperature`


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

    @classmethod
    def of(cls, settings: Settings, *, guidance: float | None) -> Sampling:
        """What the settings say of it; guidance None: this class's own."""
        return cls(
            note_temperature=settings.note_temperature,
            rest_temperature=settings.rest_temperature,
            top_p=settings.top_p,
            top_k=settings.top_k,
            repetition_penalty=settings.repetition_penalty,
            guidance=cls.guidance if guidance is None else guidance,
            gen_len=settings.gen_len,
        )


def log_odds(logits: np.ndarray, ids: np.ndarray, guidance: float) -> np.ndarray:
    """logits (rows, size) -> log-odds (n,) of the ids: with one row the model's own, with two guided away from the second row."""
    logits = logits - logits.max(axis=1, keepdims=True)
    normalised = logits[:, ids] - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    if len(normalised) == 1:
        return normalised[0]
    odds, free = normalised
    return np.where(odds > NEVER_BELOW, odds + (guidance - 1.0) * (odds - free), odds - 50.0)


def chances(odds: np.ndarray, bias: np.ndarray, kinds: np.ndarray, sampling: Sampling, *, moved: bool) -> np.ndarray:
    """Log-odds (n,) -> probabilities (n,), up to a factor: first which kind of id (when), then which one of the kind (what).

    kinds: never falling. bias: log-odds added among the ids of a kind; how often the kind comes they leave alone. moved:
    another emotion is asked than of the section before. All in logarithms, since a cold temperature can make the likeliest of
    what is allowed as unlikely as exp(-500).
    """
    count = np.bincount(kinds)
    count = count[count > 0]
    first = np.cumsum(count) - count
    masses = _log_sum_exp(odds, first, count) / sampling.rest_temperature
    within = odds + bias
    if moved:
        within = np.where(kinds >= TEMPO, within - (1.0 - UNBOUND) * odds, within)
    if sampling.note_temperature != 1.0 or sampling.rest_temperature != 1.0:
        within = within / np.where(_TIMED, sampling.rest_temperature, sampling.note_temperature)[kinds]
    masses = masses - masses.max() - _log_sum_exp(within, first, count)
    return np.exp(within + np.repeat(masses, count))


def _log_sum_exp(x: np.ndarray, first: np.ndarray, count: np.ndarray) -> np.ndarray:
    """x (n,), cut into runs by where each starts and how long it is -> log(sum(exp(run))) of each."""
    top = np.maximum.reduceat(x, first)
    return top + np.log(np.add.reduceat(np.exp(x - np.repeat(top, count)), first))


def pick(weights: np.ndarray, sampling: Sampling, rng: np.random.Generator) -> int:
    """Index of one of the probabilities (n,), which are known up to a factor, drawn from the likeliest `top_k` and of
    these from the share `top_p`."""
    if 0 < sampling.top_k < len(weights):
        rest = np.zeros_like(weights)
        first = np.argsort(-weights, kind="stable")[: sampling.top_k]
        rest[first] = weights[first]
        weights = rest
    total = weights.sum()
    share = sampling.top_p * total
    # all that is less likely than this, taken together, lies beyond the share: it need not be sorted
    likely = np.flatnonzero(weights > (total - share) / len(weights))
    order = likely[np.argsort(-weights[likely], kind="stable")]
    ranked = weights[order]
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
