"""Who plays: an ensemble for each piece, drawn as bands are put together.

Left alone, a small model lets in whoever comes to its mind, which is the piano too often and five instruments too seldom. So
where nobody wished for instruments, the families of a piece are those of a section of the training music, drawn among the
sections whose emotion is near the asked one; all of them begin together, and one that has fallen silent is the more
likely to play, the longer its rest. What they play is the model's own.

Choosing the tracks before the notes: J. Ens and P. Pasquier (2020), "MMM", arXiv 2008.06048; MuseCoco, arXiv 2306.00110.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.errors import InputError
from klangbild.notes import bars
from klangbild.notes.families import FAMILIES, FAMILY_NAMES

FILE = "notes-ensembles.npz"
"""Beside the model."""
NEARNESS = 0.35
"""Standard deviation, on either axis, of how far from the asked emotion ensembles are taken."""
SHORT_BARS, SHORT_SECONDS = 4, 8.0
"""Shorter pieces need not hear everyone."""
REST_LEAN, LONGEST_LEAN = 0.5, 2.0
"""Log-odds gained for each bar of rest, nats, and at most."""
HARMONY = ("piano", "organ", "guitar", "strings", "pad")
"""One of them plays, where any is allowed: a horn and a hi-hat are a moment of a piece, and not a piece."""
_DRUMS = 1
_TRIES = 50


@dataclass(frozen=True)
class Ensembles:
    """families (N,) uint16: bit i is family i; valence, arousal (N,) float32 in [-1, 1]: of the section each was heard in."""

    families: np.ndarray
    valence: np.ndarray
    arousal: np.ndarray

    def save(self, path: Path) -> None:
        """Write `path` (.npz), emotions in steps of 1/127."""
        emotions = {n: np.round(127 * getattr(self, n)).astype(np.int8) for n in ("valence", "arousal")}
        np.savez_compressed(path, families=self.families.astype(np.uint16), **emotions)

    @staticmethod
    def load(path: Path) -> Ensembles:
        """Raises InputError: damaged."""
        try:
            with np.load(path, allow_pickle=False) as archive:
                valence, arousal = (archive[n].astype(np.float32) / 127 for n in ("valence", "arousal"))
                return Ensembles(archive["families"], valence, arousal)
        except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: is not a table of ensembles ({error}); export the model again") from None

    def draw(
        self, rng: np.random.Generator, emotion: Emotion | None, *, allowed: Sequence[str], fewest: int = 1
    ) -> tuple[str, ...]:
        """An ensemble of at least `fewest` of the `allowed` families; emotion None: of all music alike.

        Never without harmony (`HARMONY`) where that is allowed, never drums alone where anything else is. Where the table has nothing that fits, all that are allowed.
        """
        weight = np.ones(len(self.families))
        if emotion is not None:
            squared = (self.valence - emotion.valence) ** 2 + (self.arousal - emotion.arousal) ** 2
            weight = np.exp(-(squared - squared.min()) / (2.0 * NEARNESS**2))
        mask, harmony = _bits(allowed), _bits(HARMONY)

        def whole(families: int) -> bool:
            if mask & harmony:
                return bool(families & harmony)
            return bool(families & ~_DRUMS) or families == mask == _DRUMS

        chosen = 0
        for _ in range(_TRIES):
            drawn = int(self.families[rng.choice(len(weight), p=weight / weight.sum())]) & mask
            chosen = chosen | drawn if whole(chosen) else drawn  # too few: further players join
            if whole(chosen) and chosen.bit_count() >= fewest:
                return tuple(name for i, name in enumerate(FAMILY_NAMES) if chosen >> i & 1)
        return tuple(allowed)


def _bits(families: Sequence[str]) -> int:
    return sum(1 << FAMILY_NAMES.index(name) for name in families)


class Rests:
    """Follows a piece id by id and says who has been silent for how long."""

    def __init__(self, families: Sequence[str]) -> None:
        self._numbers = [FAMILY_NAMES.index(name) for name in families]
        self._silent = np.zeros(len(FAMILIES))  # whole bars since a family was last heard
        self._heard: set[int] = set()

    def read(self, token: int) -> None:
        """The next id of the piece."""
        if bars.BAR_0 <= token < bars.TEMPO_0:
            self._silent += 1.0
            self._silent[list(self._heard)] = 0.0
            self._heard = set()
        elif bars.NOTE_0 <= token < bars.DURATION_0:
            self._heard.add((token - bars.NOTE_0) // bars.N_PITCHES)

    def lean(self) -> np.ndarray:
        """Log-odds (size of `bars`,) for the notes of the ensemble's families, 0..`LONGEST_LEAN`."""
        out = np.zeros(bars.SIZE)
        for number in self._numbers:
            gained = 0.0 if number in self._heard else min(REST_LEAN * self._silent[number], LONGEST_LEAN)
            first = bars.NOTE_0 + number * bars.N_PITCHES
            out[first : first + bars.N_PITCHES] = gained
        return out
