"""Bars of a piece written anew in their context: several are drawn, and the one is kept after which the bars that follow are likeliest.

The model reads what comes before and writes from there. What comes after it cannot see while it writes; so it is heard afterwards: a fill
is good where the model, having read it, expects the true bars behind it. Beside that counts the seam: how far register and density jump.
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
from klangbild.models.bars.section_attributes import inputs, raw_attributes, to_values
from klangbild.models.bars.token_sampling import Sampling
from klangbild.models.bars.weave import GivenNote, Weave, given_notes
from klangbild.music.piece import Piece, Track
from klangbild.music.rules import Rules

BEFORE_SECTIONS = 2
"""Whole sections in front of the one that the gap begins in, which the model reads."""
AFTER_BARS = 4
"""Bars behind the gap whose likelihood counts."""
NEAR_BARS = 4
"""Bars on either side that say what a gap is to be like: how many notes, how high, how loud."""


@dataclass(frozen=True)
class Gap:
    """Bars `first` to before `last` of a piece, from 0, and the families that may be written in them."""

    first: int
    last: int
    families: tuple[str, ...]


@dataclass(frozen=True)
class Fill:
    """What was written for a gap: tracks in the piece's own beats and key, one a family; nats: how surprising the bars behind it are after it, a
    note (0 where none follow). seam: see `seam_of`."""

    tracks: tuple[Track, ...]
    nats: float
    seam: float

    @property
    def cost(self) -> float:
        return self.nats + SEAM_WEIGHT * self.seam


SEAM_WEIGHT = 0.5


class FillSampler(Sampler):
    """Draws the bars of one gap behind a primer, with what is given in them."""

    weave: Weave

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
    """What each section of a window is told to be like (`section_plan.Sections`): as its surroundings."""

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
        found.append(window.drawn(np.random.default_rng([*seed, number]), asked, temperature, closes=closes))
    if not found:
        raise Stopped("stopped before a bar was written; nothing was kept")
    return sorted(found, key=lambda fill: fill.cost)


class _Window:
    """A gap with what stands around it, on the model's grid."""

    def __init__(
        self, piece: Piece, stays: Piece, gap: Gap, language: BarsLanguage, model: NoteModel, *, like_before: bool
    ) -> None:
        self.piece, self.stays, self.gap, self.language, self.model = piece, stays, gap, language, model
        self.lines = lines = BarLines.of(piece)
        section = b.SECTION_BARS
        self.start = max(gap.first // section - BEFORE_SECTIONS, 0) * section
        self.end = min(gap.last + AFTER_BARS, len(lines))
        self.order = list(range(self.start, self.end))
        self.skeleton = ids_by_bar(language, laid_on_grid(self.stays, lines, self.order))
        given = [token for ids in self.skeleton for token in ids]
        self.given = language.decode(np.array(given)).by_family()
        self.told = self._told(like_before)

    def drawn(self, rng: np.random.Generator, asked: Emotion | None, temperature: float, *, closes: bool) -> Fill:
        """One fill."""
        gap, first, last = self.gap, self.gap.first - self.start, self.gap.last - self.start
        rules = Rules(families=gap.families, bars=last if closes and gap.last == len(self.lines) else None)
        sampling = Sampling(note_temperature=temperature, rest_temperature=temperature, guidance=1.0)
        primer = [token for ids in self.skeleton[:first] for token in ids]
        opening = _opening(self.skeleton[first])
        sampler = FillSampler(
            self.model,
            self.language,
            rules,
            sampling,
            rng=rng,
            emotion_at=None if asked is None else lambda _: asked,
            on_bar=lambda ids: None if sampler.state.bar < last else False,
            primer=np.array([*primer, *opening], np.int64),
            plan=self.told,
        )
        sampler.weave = Weave(first, [_opening(ids) for ids in self.skeleton[first:last]], self._given(first, last))
        take = sampler.run()
        made = _without(self.language.decode(np.array(take.ids)), self.given)
        at = float(self.lines.grid_beats[self.start : gap.first].sum())
        tracks = laid_back(made, self.lines, at=at, first=gap.first, last=gap.last, families=gap.families)
        return Fill(tracks, self.surprise(tracks, asked), seam_of(self.piece, self.lines, gap, tracks))

    def surprise(self, tracks: tuple[Track, ...], asked: Emotion | None) -> float:
        """Nats a note of the bars behind the gap, after these tracks in it."""
        if self.end == self.gap.last:
            return 0.0
        whole = replace(self.stays, tracks=(*self.stays.tracks, *tracks))
        bars = ids_by_bar(self.language, laid_on_grid(whole, self.lines, self.order))
        return surprise(
            self.model, self.language, bars, self.gap.last - self.start, self.told, asked, opens=self.start == 0
        )

    def _given(self, first: int, last: int) -> list[list[GivenNote]]:
        found: list[list[GivenNote]] = []
        for begin in range(first - first % b.SECTION_BARS, last, b.SECTION_BARS):
            found += given_notes(self.skeleton[begin : begin + b.SECTION_BARS])
        return found[first % b.SECTION_BARS :][: last - first]

    def _told(self, like_before: bool) -> _Told | None:
        """What the sections are told: those in front of the gap what they are, those with bars of the gap what surrounds it."""
        table = getattr(self.model, "sections", None)
        if table is None:
            return None
        gap, size = self.gap, b.SECTION_BARS

        def values(piece: Piece, order: list[int]) -> np.ndarray:
            ids = [token for bar in ids_by_bar(self.language, laid_on_grid(piece, self.lines, order)) for token in bar]
            return to_values(raw_attributes(np.array(ids)), table.knots)

        before = list(range(max(gap.first - NEAR_BARS, 0), gap.first))
        after = list(range(gap.last, min(gap.last + NEAR_BARS, len(self.lines))))
        around = values(self.piece, before + after) if before + after and not like_before else None
        found = []
        for first in range(self.start, self.end, size):
            bars = list(range(first, min(first + size, self.end)))
            hidden = any(gap.first <= bar < gap.last for bar in bars)
            if not hidden or around is None:
                found.append(values(self.piece, bars))
            else:
                found.append(around)
        return _Told(found)


def surprise(
    model: NoteModel,
    language: BarsLanguage,
    bars: list[list[int]],
    first: int,
    told: _Told | None,
    asked: Emotion | None,
    *,
    opens: bool,
) -> float:
    """How surprising the bars from `first` on are after those before them, in nats a note of theirs."""
    condition = np.array((0.0, 0.0, 0.0) if asked is None else (asked.valence, asked.arousal, 1.0), np.float32)
    rows, ids = [], [b.BOS if opens else b.PAD]
    for number, bar in enumerate(bars):
        like = None if told is None else inputs(told.section(number // b.SECTION_BARS, asked))
        row = condition if like is None else np.concatenate([condition, like])
        if number == 0:
            rows.append(row)
        prefix = model.prefix(condition[None])[0].tolist() if number % b.SECTION_BARS == 0 else []
        ids += [*prefix, *bar]
        rows += [row] * (len(prefix) + len(bar))
        if number == first - 1:
            start = len(ids)
    room = model.context - (len(ids) - start)
    skip = max(start - max(room, 1), 0)
    ids, rows, start = ids[skip:], rows[skip:], start - skip
    model.start(1)
    logits = model.step(np.array([ids[:start]], np.int64), np.stack(rows[:start])[None])[0]
    nats, notes = 0.0, 0
    for place in range(start, len(ids)):
        logits = logits[: language.size] - logits[: language.size].max()
        token = ids[place]
        if token < language.size:
            nats += float(np.log(np.exp(logits).sum()) - logits[token])
            notes += b.NOTE_0 <= token < b.DURATION_0
        if place + 1 < len(ids):
            logits = model.step(np.array([[token]], np.int64), rows[place][None, None])[0]
    return nats / max(notes, 1)


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
