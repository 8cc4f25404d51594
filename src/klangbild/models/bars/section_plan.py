"""Who plays, and what each section is like: drawn for every piece as real music is, before its notes are.

Left alone, a small model forgets over a thousand ids how densely it began, and lets in whoever comes to its mind. So each
piece follows a run of sections of the training music, whose emotion is near the asked one: not their notes, only the forty
numbers of `attributes`, with noise. The families of its first section are who plays (where nobody wished for others), all of
them begin together, and each section of the piece is told what one of the run is like. Sections that return are like
their model.

Choosing tracks and attributes before the notes: J. Ens and P. Pasquier (2020), "MMM", arXiv 2008.06048; P. Lu et al. (2023),
"MuseCoco", arXiv 2306.00110.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.errors import InputError
from klangbild.models.bars import language as bars
from klangbild.models.bars.picture_bias import PictureBias
from klangbild.models.bars.section_attributes import N_VALUES, NAMES, jittered, raw_attributes, to_values
from klangbild.models.bars.well_written import well_written
from klangbild.music.families import FAMILY_NAMES
from klangbild.music.rules import Rules
from klangbild.whole_files import atomic_npz

FILE = "notes-sections.npz"
"""Beside the models that have none of their own."""
NEARNESS = 0.1
"""Standard deviation, on either axis, of how far from the asked emotion sections are taken."""
TELLING = 0.15
"""The same of the emotion that a section's attributes and tempo tell by themselves: its notes are not copied, so nothing else of
it reaches the piece."""
PACE_WIDTH = 0.3
"""Standard deviation of how far the tempo and the pace (onsets a second) of a section may stand, as places among all sections, from the
asked arousal: what listeners hear of calm first."""
SLOWER, CALM = 0.72, -0.2
"""Calm music is slower than the section it is like: its tempo loses exp(-`SLOWER`) for a unit of arousal below `CALM`. Real sections of that
calm are often written at a lively tempo; listeners go by the tempo first."""
SLOW_BPM = 60.0
"""What is as slow as this is slow enough."""
MIN_PIECES = 24.0
"""Where fewer pieces (effective number) are as near as that, up to twice as far is near enough: one picture should not always meet
the same band."""
STILL = 20.0
"""Nats that a section of the table loses for each unit (of places among all sections) by which its pitch classes are fewer than `FEW_CLASSES`,
or its bars, one, two and four apart, more alike than `ALIKE`: loops that never move."""
FEW_CLASSES, ALIKE = -0.7, 0.8
UNLIKENESS = 0.7
"""Nats that a run loses for each family by which it differs from a wished cast."""
MOVED = 0.15
"""A section whose asked emotion lies further than this from the run's, on either axis, starts another run, and with it others may play."""
KINSHIP = 0.3
"""Nats that such a run loses for each family by which it differs from who played before."""
SHORT_BARS, SHORT_SECONDS = 4, 8.0
"""Shorter pieces need not hear everyone."""
HARMONY = ("piano", "organ", "guitar", "strings", "pad")
"""One of them plays, where any is allowed: a horn and a hi-hat are a moment of a piece, and not a piece."""
_CLASSES, _LIKENESS = NAMES.index("pitch_classes"), [NAMES.index(f"alike_{n}") for n in (1, 2, 4)]
_DRUMS = 1
_TRIES = 50
_STEPS = 127.0
_N_PLAYERS = len(FAMILY_NAMES)
_PENALTY = 30.0


def sections_file(model: str) -> str:
    """The file of a model's own sections, beside it: models of other music know other sections."""
    return f"{model}-sections.npz"


def _ranks(values: np.ndarray) -> np.ndarray:
    """The ranks of (n,) from 1 on, of equals their mean: scipy.stats has them, too, and takes most of a second to load.

    >>> _ranks(np.array([3.0, 1.0, 3.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2.0)[place]


@dataclass(frozen=True)
class SectionTable:
    """The table: N sections of training music, those of one piece together and in order.

    values (N, `N_VALUES`) float32: attributes; valence, arousal (N,) float32 in [-1, 1]; bpm (N,) float32; piece (N,) int:
    equal for one piece; knots (`N_VALUES`, K): what places the attributes of other music.
    """

    values: np.ndarray
    valence: np.ndarray
    arousal: np.ndarray
    bpm: np.ndarray
    piece: np.ndarray
    knots: np.ndarray

    def save(self, path: Path) -> None:
        """Write `path` (.npz), values and emotions in steps of 1/127, tempi in whole numbers."""
        small = {n: np.round(_STEPS * getattr(self, n)).astype(np.int8) for n in ("values", "valence", "arousal")}
        small["bpm"] = np.round(self.bpm).astype(np.uint8)
        atomic_npz(path, piece=self.piece.astype(np.uint16), knots=self.knots.astype(np.float32), **small)

    @staticmethod
    def load(path: Path) -> SectionTable:
        """Raises InputError: damaged."""
        try:
            with np.load(path, allow_pickle=False) as archive:
                small = {n: archive[n].astype(np.float32) / _STEPS for n in ("values", "valence", "arousal")}
                bpm = archive["bpm"].astype(np.float32)
                table = SectionTable(**small, bpm=bpm, piece=archive["piece"].astype(int), knots=archive["knots"])
            if table.values.shape != (len(table.piece), N_VALUES) or not len(table.piece):
                raise ValueError("other attributes")
            return table
        except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: is not a table of sections ({error}); export the model again") from None

    @property
    def families(self) -> np.ndarray:
        """(N,) int: bit i is family i."""
        return (self.values[:, :_N_PLAYERS] > 0) @ (1 << np.arange(_N_PLAYERS))

    def weights(self, emotion: Emotion | None) -> np.ndarray:
        """(N,) odds of each section for an asked emotion; None: all alike."""
        if emotion is None:
            return np.ones(len(self.piece))
        asked = np.array([emotion.valence, emotion.arousal])
        cost = ((self.emotions - asked) ** 2).sum(axis=1) / (2.0 * NEARNESS**2)
        cost += ((self.told - asked) ** 2).sum(axis=1) / (2.0 * TELLING**2)
        cost += ((self.pace - emotion.arousal) ** 2).sum(axis=1) / (2.0 * PACE_WIDTH**2) + STILL * self.stillness
        for wider in np.linspace(1.0, 2.0, 9):
            weights = np.exp((cost.min() - cost) / wider**2)
            if _effective_number(np.bincount(self.piece, weights)) >= MIN_PIECES:
                break
        return weights

    @property
    def emotions(self) -> np.ndarray:
        """(N, 2): valence and arousal."""
        return np.stack([self.valence, self.arousal], axis=1)

    @cached_property
    def told(self) -> np.ndarray:
        """(N, 2): valence and arousal as attributes and tempo alone tell them: a linear reading (ridge), spread as the true ones."""
        emotions = self.emotions
        values = np.column_stack([self.values, np.log(self.bpm)]).astype(np.float64)
        values -= values.mean(axis=0)
        square = values.T @ values + _PENALTY * np.eye(values.shape[1])
        read = values @ np.linalg.solve(square, values.T @ (emotions - emotions.mean(axis=0)))
        return emotions.mean(axis=0) + read * emotions.std(axis=0) / np.maximum(read.std(axis=0), 1e-6)

    @cached_property
    def stillness(self) -> np.ndarray:
        """(N,) how far each section is beyond `FEW_CLASSES` and `ALIKE`; 0: it moves."""
        few = FEW_CLASSES - self.values[:, _CLASSES]
        return np.maximum(few, 0.0) + np.maximum(self.values[:, _LIKENESS].min(axis=1) - ALIKE, 0.0)

    @cached_property
    def pace(self) -> np.ndarray:
        """(N, 2): the places, -1 .. 1, of each section's tempo and of its onsets a second among those of the table."""
        at = NAMES.index("onsets_per_beat")
        places = np.linspace(-1.0, 1.0, self.knots.shape[1])
        onsets_s = np.interp(self.values[:, at], places, self.knots[at]) * self.bpm / 60.0
        return np.stack([2.0 * _ranks(x) / (len(x) + 1.0) - 1.0 for x in (self.bpm, onsets_s)], axis=1)

    def run(self, first: int) -> np.ndarray:
        """The numbers (n,) of the sections of a piece from `first` on, then round again from its start."""
        mine = np.flatnonzero(self.piece == self.piece[first])
        return np.roll(mine, -int(np.searchsorted(mine, first)))


class Sections(Protocol):
    """What each section of a piece is told to be like, wherever it is from."""

    @property
    def families(self) -> tuple[str, ...]:
        """Who plays now, in the order of `FAMILY_NAMES`; none: whoever is allowed."""

    def section(self, number: int, emotion: Emotion | None) -> np.ndarray:
        """(`N_VALUES`,) float32: what section `number` of the piece is like, where this emotion is asked."""

    def tempo(self, number: int) -> float | None:
        """Beats per minute of section `number` (ask `section` first); None: as it comes."""


class PiecePlan(Sections, Protocol):
    """A plan of a whole piece that another model made (`compose_notes(planned=...)`): what it feels like and what must hold, besides."""

    @property
    def feeling(self) -> Emotion:
        """Of the whole piece."""

    def rules(self, rules: Rules) -> Rules:
        """The rules with what the plan settles, where nobody asked for anything else."""


class SectionPlan:
    """Who plays one piece, and what each of its sections is told to be like."""

    def __init__(
        self,
        table: SectionTable,
        rng: np.random.Generator,
        emotion: Emotion | None,
        *,
        allowed: Sequence[str],
        wished: Sequence[str] = (),
        fewest: int = 1,
        picture: PictureBias | None = None,
    ) -> None:
        """wished: exactly these play. Else at least `fewest` of `allowed`: never without harmony (`HARMONY`) where that is allowed,
        never drums alone where anything else is. picture: what it weighs for and moves."""
        self._table, self._rng, self._picture = table, rng, picture
        self._for_picture = 1.0 if picture is None else np.exp(picture.of_sections(table.values))
        self._free, self._fewest = (0 if wished else _bits(allowed)), fewest
        self._bits = _bits(wished) if wished else self._drawn(emotion, self._free, fewest)
        self._follow(emotion)

    @property
    def families(self) -> tuple[str, ...]:
        """Who plays, in the order of `FAMILY_NAMES`."""
        return tuple(name for i, name in enumerate(FAMILY_NAMES) if self._bits >> i & 1)

    def section(self, number: int, emotion: Emotion | None) -> np.ndarray:
        """(`N_VALUES`,) float32: what section `number` of the piece is like, where this emotion is asked."""
        if emotion is not None and self._emotion is not None:
            off = max(abs(emotion.valence - self._emotion.valence), abs(emotion.arousal - self._emotion.arousal))
            if off > MOVED:
                self._follow(emotion, number)
        if number not in self._told:
            values = self._table.values[self._at(number)].copy()
            plays = (self._bits >> np.arange(_N_PLAYERS)) & 1
            if (
                number > self._first and not self._joined
            ):  # in the midst of a piece some may rest, as they do in the run
                plays = plays & (values[:_N_PLAYERS] > 0) if (plays & (values[:_N_PLAYERS] > 0)).any() else plays
            values[:_N_PLAYERS] = np.where(plays, 1.0, -1.0)
            values[_CLASSES] = max(values[_CLASSES], FEW_CLASSES)
            told = jittered(values, self._rng)
            self._told[number] = well_written(told if self._picture is None else self._picture.told(told))
        return self._told[number]

    def tempo(self, number: int) -> float | None:
        """Beats per minute of the section that section `number` of the piece is like (ask `section` first)."""
        return calmed(float(self._table.bpm[self._at(number)]), self._emotion)

    def _drawn(self, emotion: Emotion | None, mask: int, fewest: int) -> int:
        weight, families = self._table.weights(emotion) * self._for_picture, self._table.families
        chosen = 0
        for _ in range(_TRIES):
            drawn = int(families[self._rng.choice(len(weight), p=weight / weight.sum())]) & mask
            chosen = chosen | drawn if _is_whole(chosen, mask) else drawn  # too few: further players join
            if _is_whole(chosen, mask) and chosen.bit_count() >= fewest:
                return chosen
        return mask

    def _at(self, number: int) -> int:
        return int(self._run[(number - self._first) % len(self._run)])

    def _follow(self, emotion: Emotion | None, number: int = 0) -> None:
        """Choose the run from section `number` on: near the emotion, with players like ours; in the midst of a piece its own play from
        there, where nobody wished for others."""
        table = self._table
        unlikeness = KINSHIP if number and self._free else UNLIKENESS
        mine = (self._bits >> np.arange(_N_PLAYERS)) & 1 == 1
        differ = ((table.values[:, :_N_PLAYERS] > 0) != mine).sum(axis=1).astype(float)
        weight = table.weights(emotion) * self._for_picture * np.exp(-unlikeness * (differ - differ.min()))
        first = int(self._rng.choice(len(weight), p=weight / weight.sum()))
        self._run, self._first, self._emotion = table.run(first), number, emotion
        cast = int(table.families[first]) & self._free
        if number and _is_whole(cast, self._free) and cast.bit_count() >= self._fewest:
            self._bits = cast
        self._joined = int(table.families[first]) & self._bits != self._bits
        self._told: dict[int, np.ndarray] = {}


class ContinuedPlan:
    """What the sections of a piece are told that goes on from a primer: what the primer's own are like."""

    families: tuple[str, ...] = ()
    """Nobody is chosen: who is allowed may play."""

    def __init__(self, table: SectionTable, primer: np.ndarray) -> None:
        starts = [i for i, token in enumerate(primer) if bars.BAR_0 <= token < bars.TEMPO_0][:: bars.SECTION_BARS]
        parts = np.split(np.asarray(primer), starts[1:])
        self._values = [to_values(raw_attributes(part), table.knots) for part in parts]

    def section(self, number: int, emotion: Emotion | None) -> np.ndarray:
        """(`N_VALUES`,) float32 of the primer's section, or of its last (whole, if it has two) one."""
        last = max(len(self._values) - 2, 0)
        return self._values[number] if number < len(self._values) - 1 else self._values[last]

    def tempo(self, number: int) -> float | None:
        """None: a piece that goes on keeps its tempo."""
        return None


def _is_whole(cast: int, allowed: int) -> bool:
    """Whether a cast can make a piece of its own: with harmony, where that is allowed, and no drums alone where anything else is."""
    harmony = _bits(HARMONY)
    if allowed & harmony:
        return bool(cast & harmony)
    return bool(cast & ~_DRUMS) or cast == allowed == _DRUMS


def calmed(bpm: float, emotion: Emotion | None) -> float:
    """The tempo of a section like which music of this emotion is: calm music is slower than it, see `SLOWER`."""
    calm = 0.0 if emotion is None else max(CALM - emotion.arousal, 0.0)
    return max(bpm * math.exp(-SLOWER * calm), min(bpm, SLOW_BPM))


def _effective_number(weights: np.ndarray) -> float:
    """How many equal weights would be as concentrated: (sum)^2 / sum of squares."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def _bits(families: Sequence[str]) -> int:
    return sum(1 << FAMILY_NAMES.index(name) for name in families)
