"""midi-emotion's sampling loop, step for step: `sampler="midi-emotion"`. Ours (`klangbild.models.bars.sampler`) is the default.

What is particular to it:
* two temperatures: one for what follows a time shift, one for everything else;
* a repeat penalty: where the choice has been narrow (at most 2 ids) for more than 3 steps, the temperature rises;
* a nucleus stricter than usual: the id that crosses top_p is dropped too, except that one always stays;
* `gen_len` counts the primer, and the id drawn in the last round is thrown away.

One deviation: `min_instruments` is not tried again and again until it happens to hold. A missing instrument is made to enter
by a mask, shortly before there would be no room for it, so that the loop always ends. It is heard, too: an OFF alone, which
midi-emotion counts, does not count here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from klangbild.contract import NoteModel
from klangbild.errors import UsageError
from klangbild.models.aria.vocabulary import (
    BASE_SIZE,
    INSTRUMENTS,
    MAX_PITCH,
    MIN_PITCH,
    SHIFT_0,
    START,
    EventsVocabulary,
    note_id,
)

Draw = Callable[[np.ndarray], np.ndarray]
"""Sorted probabilities (rows, ranks) -> the drawn rank of each row (rows,)."""


@dataclass(frozen=True)
class MidiEmotionSampling:
    """The knobs of the published loop, with its defaults.

    after_shift: temperature of what follows a time shift; otherwise: that of everything else (both > 0). top_k <= 0: all.
    top_p: 0 or 1 is off. repeat_penalty >= 0. gen_len: ids including the primer's last (see `generate`).

    Raises:
        UsageError: a value is out of range.
    """

    after_shift: float = 1.2
    otherwise: float = 1.2
    top_k: int = -1
    top_p: float = 0.7
    repeat_penalty: float = 0.5
    gen_len: int = 2048
    min_instruments: int = 1

    def __post_init__(self) -> None:
        if not (self.after_shift > 0 and self.otherwise > 0):
            raise UsageError("a temperature must be above 0; for the likeliest id at every step use top_k 1")
        if not 0 <= self.top_p <= 1:
            raise UsageError(f"top_p {self.top_p} is out of range; give 0 to 1")
        if not 0 <= self.repeat_penalty < np.inf:
            raise UsageError(f"repeat_penalty {self.repeat_penalty} is out of range; give 0 or more")
        if self.gen_len < 1:
            raise UsageError(f"gen_len {self.gen_len} is out of range; give 1 or more")
        if not 0 <= self.min_instruments <= len(INSTRUMENTS):
            raise UsageError(
                f"--min-instruments {self.min_instruments} is out of range; these models play {len(INSTRUMENTS)}: "
                + ", ".join(INSTRUMENTS)
            )


class RepeatCounter:
    """How long the choice of each row has been narrow: +1 where at most 2 ids were possible, else halved."""

    def __init__(self, rows: int) -> None:
        self.counts = np.zeros(rows, dtype=np.int64)

    def penalties(self, coefficient: float) -> np.ndarray:
        """What each row's temperature is multiplied with, (rows,), 1 or more: 1 + max(0, coefficient * ln((count + 1)
        / 4))."""
        return 1.0 + np.maximum(0.0, coefficient * np.log((self.counts + 1) / 4.0))

    def update(self, nucleus_sizes: np.ndarray) -> None:
        """Count up the rows whose nucleus (rows,) holds two ids or fewer, halve the others."""
        self.counts = np.where(nucleus_sizes <= 2, self.counts + 1, self.counts // 2)


def choices(
    logits: np.ndarray, previous: np.ndarray, counter: RepeatCounter, sampling: MidiEmotionSampling, banned: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What is handed to the dice: (probabilities (rows, ranks) falling, their ids (rows, ranks)).

    logits (rows, size); previous (rows,) ids; banned: ids or a bool mask (rows, size) that never come.
    """
    scores = logits.astype(np.float64)
    if banned.dtype == bool:
        scores[banned] = -np.inf
    else:
        scores[:, banned] = -np.inf
    follows_shift = (previous >= SHIFT_0) & (previous < BASE_SIZE)
    temperature = np.where(follows_shift, sampling.after_shift, sampling.otherwise)
    temperature = temperature * counter.penalties(sampling.repeat_penalty)
    scores = _log_softmax(scores) / temperature[:, None]
    ranks = scores.shape[1] if not 0 < sampling.top_k <= scores.shape[1] else sampling.top_k
    ids = np.argsort(-scores, axis=1, kind="stable")[:, :ranks]
    scores = np.take_along_axis(scores, ids, axis=1)
    if 0 < sampling.top_p < 1:
        dropped = np.cumsum(_softmax(scores), axis=1) > sampling.top_p
        dropped[:, 0] = False
        scores = np.where(dropped, -np.inf, scores)
    return _softmax(scores), ids


def generate(
    model: NoteModel,
    vocabulary: EventsVocabulary,
    condition: np.ndarray,
    *,
    sampling: MidiEmotionSampling,
    rng: np.random.Generator | None = None,
    draw: Draw | None = None,
    primer: np.ndarray | None = None,
    condition_at: Callable[[int, np.ndarray], np.ndarray] | None = None,
    allowed_instruments: tuple[str, ...] = INSTRUMENTS,
    on_step: Callable[[np.ndarray], bool | None] | None = None,
    is_due: Callable[[np.ndarray], bool] | None = None,
) -> np.ndarray:
    """Conditions (rows, 2 or 3) -> ids (rows, primer + gen_len - 1), the primer included.

    primer: (length,) or (rows, length) ids, default `<START>`; to continue a piece, its ids. condition_at(step, ids so far):
    the conditions of that step, for an emotion that varies. draw: other dice than `rng`'s. allowed_instruments: the others
    are never struck. on_step(ids so far (rows, n)): False stops there. is_due(ids so far): True when missing instruments must
    enter now, however much room is left.
    """
    condition = np.atleast_2d(np.asarray(condition, dtype=np.float32))
    rows = len(condition)
    song = np.tile(np.atleast_2d(np.array([START]) if primer is None else primer), (1, 1)).astype(np.int64)
    song = np.broadcast_to(song, (rows, song.shape[1]))
    if draw is None:
        draw = _dice(rng if rng is not None else np.random.default_rng())
    counter = RepeatCounter(rows)
    model.start(rows)
    new = song
    for step in range(sampling.gen_len):
        if on_step is not None and on_step(song) is False:
            break
        if step + 1 == sampling.gen_len:  # the published loop computes one id more, and throws it away
            break
        now = condition if condition_at is None else condition_at(step, song)
        logits = model.step(new, now)
        banned = vocabulary.special
        if sampling.min_instruments > 1 or len(allowed_instruments) < len(INSTRUMENTS):
            left = 0 if is_due is not None and is_due(song) else sampling.gen_len - 1 - step
            banned = _banned(song, logits.shape[1], vocabulary, sampling, allowed_instruments, left=left)
        probabilities, ids = choices(logits, song[:, -1], counter, sampling, banned)
        drawn = draw(probabilities)
        counter.update((probabilities > 0).sum(axis=1))
        new = np.take_along_axis(ids, drawn[:, None], axis=1)
        song = np.concatenate([song, new], axis=1)
    return song


def n_missing(ids: np.ndarray, min_instruments: int, allowed: tuple[str, ...] = INSTRUMENTS) -> int:
    """How many of the allowed instruments must still be heard in ids (n,) until `min_instruments` of them are."""
    return max(min(min_instruments, len(allowed)) - len(_struck(ids, allowed, heard=True)), 0)


def _struck(ids: np.ndarray, allowed: tuple[str, ...], *, heard: bool) -> set[int]:
    """The allowed instruments with an ON; heard: with an ON that time goes on after, or that is ended."""
    found: set[int] = set()
    shifts = np.flatnonzero((ids >= SHIFT_0) & (ids < BASE_SIZE))
    last_shift = shifts[-1] if len(shifts) else -1
    for index, name in enumerate(INSTRUMENTS):
        ons, offs = (_ids_of(index, on=on) for on in (True, False))
        at = np.flatnonzero((ids >= ons.start) & (ids < ons.stop))
        if name not in allowed or not len(at):
            continue
        ended = np.isin(ids[at[0] :], ids[at] - (ons.start - offs.start)).any()
        if not heard or at[0] < last_shift or ended:
            found.add(index)
    return found


def _banned(
    song: np.ndarray,
    size: int,
    vocabulary: EventsVocabulary,
    sampling: MidiEmotionSampling,
    allowed: tuple[str, ...],
    *,
    left: int,
) -> np.ndarray:
    """bool (rows, size): special ids, instruments that may not play, and where only the missing ones still fit into the
    `left` ids, everything but their ONs, or, once they are struck, everything but a shift, so that they are heard.
    """
    mask = np.zeros((len(song), size), bool)
    mask[:, vocabulary.special] = True
    for index, name in enumerate(INSTRUMENTS):
        if name not in allowed:
            mask[:, _ids_of(index, on=True)] = True
    playable = {index for index, name in enumerate(INSTRUMENTS) if name in allowed}
    for row, ids in enumerate(song):
        missing = n_missing(ids, sampling.min_instruments, allowed)
        if missing == 0 or left > 3 * missing:
            continue
        mask[row] = True
        struck = _struck(ids, allowed, heard=False)
        if len(struck) < min(sampling.min_instruments, len(playable)):
            for index in playable - struck:
                mask[row, _ids_of(index, on=True)] = False
        else:
            mask[row, SHIFT_0:BASE_SIZE] = False
    return mask


def _ids_of(instrument: int, *, on: bool) -> slice:
    return slice(note_id(instrument, MIN_PITCH, on=on), note_id(instrument, MAX_PITCH, on=on) + 1)


def _dice(rng: np.random.Generator) -> Draw:
    def draw(probabilities: np.ndarray) -> np.ndarray:
        edges = np.cumsum(probabilities, axis=1)
        thrown = rng.random(len(probabilities))[:, None] * edges[:, -1:]
        # "right": an id of probability 0 is never drawn, even if the dice show exactly 0
        return np.minimum((edges <= thrown).sum(axis=1), (probabilities > 0).sum(axis=1) - 1)

    return draw


def _log_softmax(scores: np.ndarray) -> np.ndarray:
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _softmax(scores: np.ndarray) -> np.ndarray:
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)
