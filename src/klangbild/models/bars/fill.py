"""Bars of a piece written anew in their context: what comes after them is read first, then what comes before, and then they are written.

So the model hears both sides of the gap (fill-in-the-middle by the order of sections: M. Bavarian et al. 2022, arXiv 2207.14255): true bars are likelier so
than after what comes before them alone, by .21 nats a note (17 held-out pieces, interval .05 to .43) (`benchmarks/edit.py ways`). Several are drawn, and the one with the
least seam is kept: how far register and density jump where it begins and ends. Choosing by how likely the bars behind are after it brings nothing
more, and costs as much again.
Parts that stay are woven in (`weave.py`), so that the others are written around them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from klangbild.contract import NoteModel
from klangbild.emotion.space import Emotion
from klangbild.errors import Stopped
from klangbild.models.bars import vocabulary as b
from klangbild.models.bars.bars_window import BarLines, ids_by_bar, laid_back, laid_on_grid
from klangbild.models.bars.language import BarsLanguage
from klangbild.models.bars.sampler import Sampler
from klangbild.models.bars.section_attributes import raw_attributes, to_values
from klangbild.models.bars.token_sampling import Sampling
from klangbild.models.bars.weave import GivenNote, Weave, given_notes
from klangbild.music.piece import Piece, Track
from klangbild.music.rules import Rules

BEFORE_SECTIONS = 2
"""Whole sections in front of the one that the gap begins in, which the model reads where there is room."""
NEAR_BARS = 4
"""Bars on either side that say what a gap is to be like: how many notes, how high, how loud."""
LONG_BARS = 4
"""A gap of so many bars has everybody in it who should be heard, whatever comes; in a shorter one some may rest."""
_EMPTY = -1


@dataclass(frozen=True)
class Gap:
    """Bars `first` to before `last` of a piece, from 0, the families that may be written in them, and of these those that should be heard."""

    first: int
    last: int
    families: tuple[str, ...]
    heard: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Fill:
    """What was written for a gap: tracks in the piece's own beats and key, one a family. silent: how many families play nothing in it that
    should. seam: see `seam_of`."""

    tracks: tuple[Track, ...]
    silent: int
    seam: float


class FillSampler(Sampler):
    """Draws the bars of one gap behind a primer, with what is given in them. opens: the primer begins the piece."""

    weave: Weave
    opens: bool = False

    def _opening(self, condition: np.ndarray) -> list[int]:
        first, *prefix = super()._opening(condition)
        # PAD tells the model that the piece has begun before
        return [first if self.opens else b.PAD, *prefix]

    def _next(self, logits: np.ndarray) -> list[int]:
        return self.weave.instead(self.state, self._draw(logits))

    def _allowed(self) -> np.ndarray:
        return self.weave.narrowed(self.state, self.language.allowed(self.state, self.rules))

    def _quote(self) -> list[int]:
        return []  # what returns is told by what stands around it

    def _model_section(self) -> int:
        return len(self.sections)


@dataclass(frozen=True)
class _Told:
    """What each section of a window is told to be like (`section_plan.Sections`)."""

    values: list[np.ndarray]
    families: tuple[str, ...] = ()

    def section(self, number: int, emotion: Emotion | None) -> np.ndarray:
        return self.values[min(number, len(self.values) - 1)]

    def tempo(self, number: int) -> float | None:
        return None


def fill_gap(
    piece: Piece,
    gap: Gap,
    *,
    stays: Piece,
    model: NoteModel,
    language: BarsLanguage,
    asked: Emotion | None,
    seed: Sequence[int],
    fills: int = 4,
    temperature: float = 1.0,
    guidance: float = 1.0,
    like_before: bool = False,
    closes: bool = False,
    tell: Callable[[float], bool | None] | None = None,
) -> list[Fill]:
    """Fills of a gap, the best first.

    stays: the piece without what is to be written anew; what is left in the gap is given. asked: the emotion; None: the model is told none. like_before: the bars are to be like those that stood there, not like what is around
    them. closes: the last bar is to close the piece. tell(share) may return False: what is whole by then is given.

    Raises:
        Stopped: there is none.
    """
    window = _Window(piece, stays, gap, language, model, like_before=like_before)
    found: list[Fill] = []
    for number in range(fills):
        if tell is not None and tell(number / fills) is False:
            break
        sampling = Sampling(note_temperature=temperature, rest_temperature=temperature, guidance=guidance)
        found.append(window.drawn(np.random.default_rng([*seed, number]), asked, sampling, closes=closes))
    if not found:
        raise Stopped("stopped before a bar was written; nothing was kept")
    return sorted(found, key=lambda fill: (fill.silent, fill.seam))


class _Window:
    """A gap with what stands around it, on the model's grid, in the order in which the model reads it."""

    def __init__(
        self, piece: Piece, stays: Piece, gap: Gap, language: BarsLanguage, model: NoteModel, *, like_before: bool
    ) -> None:
        self.piece, self.gap, self.language, self.model = piece, gap, language, model
        self.lines = lines = BarLines.of(piece)
        around = context(stays, lines, gap.first, gap.last, language, room=model.context)
        self.order = [*around, *range(gap.first, gap.last)]
        self.first, self.last = len(around), len(self.order)
        self.skeleton = ids_by_bar(language, laid_on_grid(stays, lines, self.order))
        self.given = language.decode(np.array([token for ids in self.skeleton for token in ids])).by_family()
        self.told = self._told(like_before)

    def drawn(self, rng: np.random.Generator, asked: Emotion | None, sampling: Sampling, *, closes: bool) -> Fill:
        """One fill."""
        gap, first, last = self.gap, self.first, self.last
        rules = Rules(
            families=gap.families,
            required=tuple(sorted(gap.heard)) if gap.last - gap.first >= LONG_BARS else (),
            bars=last if closes and gap.last == len(self.lines) else None,
        )
        primer = [token for ids in self.skeleton[:first] for token in ids]
        sampler = FillSampler(
            self.model,
            self.language,
            rules,
            sampling,
            rng=rng,
            emotion_at=None if asked is None else lambda _: asked,
            on_bar=lambda ids: None if sampler.state.bar < last else False,
            primer=np.array([*primer, *_opening(self.skeleton[first])], np.int64),
            plan=self.told,
        )
        sampler.weave = Weave(first, [_opening(ids) for ids in self.skeleton[first:last]], self._given(first, last))
        sampler.opens = self.order[0] == 0
        take = sampler.run()
        made = _without(self.language.decode(np.array(take.ids)), self.given)
        lengths = [self.lines.grid_beats[bar if bar >= 0 else max(self.order)] for bar in self.order[:first]]
        tracks = laid_back(
            made, self.lines, at=float(sum(lengths)), first=gap.first, last=gap.last, families=gap.families
        )
        silent = len(gap.heard - {track.family for track in tracks})
        return Fill(tracks, silent, seam_of(self.piece, self.lines, gap, tracks))

    def _given(self, first: int, last: int) -> list[list[GivenNote]]:
        found: list[list[GivenNote]] = []
        for begin in range(first - first % b.SECTION_BARS, last, b.SECTION_BARS):
            found += given_notes(self.skeleton[begin : begin + b.SECTION_BARS])
        return found[first % b.SECTION_BARS :][: last - first]

    def _told(self, like_before: bool) -> _Told | None:
        """What the sections are told: those around the gap what they are, those with bars of the gap what surrounds it."""
        table = getattr(self.model, "sections", None)
        if table is None:
            return None
        gap, n_bars = self.gap, len(self.lines)

        def values(order: list[int]) -> np.ndarray:
            bars = ids_by_bar(self.language, laid_on_grid(self.piece, self.lines, order))
            return to_values(raw_attributes(np.array([token for bar in bars for token in bar])), table.knots)

        near = [*range(max(gap.first - NEAR_BARS, 0), gap.first), *range(gap.last, min(gap.last + NEAR_BARS, n_bars))]
        around = values(near) if near and not like_before else None
        found = []
        for first in range(0, len(self.order), b.SECTION_BARS):
            bars = [bar for bar in self.order[first : first + b.SECTION_BARS] if bar >= 0]
            hidden = any(gap.first <= bar < gap.last for bar in bars)
            found.append(around if hidden and around is not None else values(bars))
        return _Told(found)


def context(stays: Piece, lines: BarLines, first: int, last: int, language: BarsLanguage, *, room: int) -> list[int]:
    """The bars that a model with so much room for ids reads before it writes the bars `first` to before `last`: the section behind them, filled up
    with empty bars (-1), then what is before them. The bars of their own section always; then the section behind, then those before it."""
    size = b.SECTION_BARS
    head = first // size * size
    own = list(range(head, first))
    behind = list(range(last, min(last + size, len(lines))))
    before = [
        list(range(head - k * size, head - (k - 1) * size)) for k in range(1, BEFORE_SECTIONS + 1) if head >= k * size
    ]

    def n_ids(order: list[int]) -> int:
        return sum(map(len, ids_by_bar(language, laid_on_grid(stays, lines, order)))) if order else 0

    around = [bar for bar in (*own, *behind) if bar >= 0]
    a_bar = n_ids(around) / max(len(around), 1)
    left = room - n_ids(own) - a_bar * (last - first)
    chosen_behind: list[int] = []
    while behind and not chosen_behind:
        if n_ids(behind) <= left:
            chosen_behind = behind
        behind = behind[: len(behind) // 2]
    left -= n_ids(chosen_behind)
    chosen_before: list[int] = []
    for section in before:
        if n_ids(section) > left:
            break
        left -= n_ids(section)
        chosen_before = [*section, *chosen_before]
    padded = [*chosen_behind, *[_EMPTY] * (-len(chosen_behind) % size)]
    return [*padded, *chosen_before, *own]


def seam_of(piece: Piece, lines: BarLines, gap: Gap, tracks: tuple[Track, ...]) -> float:
    """How far register and density jump where the fill begins and ends: the mean over both seams and over what is written of the difference of
    median pitch in octaves, and of the logarithm of how many notes a bar has to base 2."""
    jumps = []
    for track in tracks:
        mine = [t for t in piece.tracks if t.family == track.family]
        if not mine:
            continue
        own = np.concatenate([t.notes for t in mine])
        bar_own, bar_new = lines.bar_of(own["onset"]), lines.bar_of(track.notes["onset"])
        for beside, inside in (
            (bar_own == gap.first - 1, bar_new == gap.first), (bar_own == gap.last, bar_new == gap.last - 1),
        ):  # fmt: skip
            out, new = own["pitch"][beside].astype(float), track.notes["pitch"][inside].astype(float)
            if len(out) and len(new):
                if track.family != "drums":
                    jumps.append(abs(float(np.median(out) - np.median(new))) / 12.0)
                jumps.append(abs(float(np.log2(len(out) / len(new)))))
    return float(np.mean(jumps)) if jumps else 0.0


def _without(piece: Piece, given: dict[str, np.ndarray]) -> Piece:
    """The piece without notes that are among the given ones: of a family, at an onset, on a pitch."""

    def places(notes: np.ndarray) -> np.ndarray:
        return np.rint(notes["onset"] * b.GRID).astype(np.int64) * 128 + notes["pitch"]

    tracks = []
    for track in piece.tracks:
        known = given.get(track.family, track.notes[:0])
        tracks.append(replace(track, notes=track.notes[~np.isin(places(track.notes), places(known))]))
    return replace(piece, tracks=tuple(tracks))


def _opening(ids: list[int]) -> list[int]:
    """The ids that open a bar: its Bar, and a Tempo where one stands."""
    return ids[: 2 if len(ids) > 1 and b.TEMPO_0 <= ids[1] < b.POSITION_0 else 1]
