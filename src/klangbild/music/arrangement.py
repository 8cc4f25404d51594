"""Arrangement: who plays when. A piece that was written with everyone from its first bar begins with few, grows, thins and ends.

As an arranger does with a finished score: parts rest in some of its bars, and no note is added or moved. The opening is heard first
from a few players, so that its return, eight bars later and note for note, is the return of something known with everyone in it; an
episode in the middle begins with few; calm music thins out before its last chord. Of many drafts the one is kept that comes nearest to
a curve drawn for the piece, the curves being as those of real music are (density of the opening, spread of the sections; docs/measure.md).

A player enters where it plays on: in a bar that it opens, and not for a stray note. Nobody rests all piece long, no two bars are left
without a pitched onset that had one, and drums rest for less than `LONGEST_REST` bars.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.music.families import FAMILY_INDEX
from klangbild.music.piece import Piece, Track
from klangbild.music.tune import tune_of

SHORTEST = 8
"""Bars from which on a piece has room for more than one texture."""
SECTION_BARS = 8
LONGEST_REST = 8
_HARMONY = ("piano", "organ", "guitar", "strings", "pad", "mallet")
_DRAFTS = 100
_CHORDS, _TUNE, _RETURNS = 6.0, 2.0, 4.0
_CHORD_TONES = 3
_PICKUP_BEATS = 1.0
_RING_BEATS = 1.0
_HAND_SPREAD = 12
_FEW_PARTS = 2
_SPREAD_OF_FEW = {2: 0.5, 3: 0.8}
"""Two or three sections differ less than the loudest and the softest of a long piece."""


@dataclass(frozen=True)
class Part:
    """What rests and enters as one: a track, or one hand of it. notes: bool (n,) over the track's notes."""

    track: int
    family: str
    notes: np.ndarray


@dataclass(frozen=True)
class Arrangement:
    """plays: bool (parts, bars)."""

    parts: tuple[Part, ...]
    plays: np.ndarray


def arranged(
    piece: Piece,
    emotion: Emotion,
    rng: np.random.Generator,
    *,
    given_until: float = 0.0,
    loops: bool = False,
    wished: tuple[str, ...] = (),
) -> Piece:
    """The piece with rests. given_until: the beat until which its bars are of another piece, and stay as they are. loops: it has neither beginning nor
    end, only a middle. wished: families that are to be heard in every section that has a whole eight bars."""
    plan = arrangement(piece, emotion, rng, given_until=given_until, loops=loops, wished=wished)
    return piece if plan is None else _played(piece, plan)


def arrangement(
    piece: Piece,
    emotion: Emotion,
    rng: np.random.Generator,
    *,
    given_until: float = 0.0,
    loops: bool = False,
    wished: tuple[str, ...] = (),
) -> Arrangement | None:
    """Who plays when (`arranged`); None: everyone all the time."""
    starts = np.array(piece.bar_starts())
    n_bars, given_bars = len(starts), int((starts < given_until - 1e-6).sum())
    parts = _parts_of(piece)
    if n_bars - given_bars < SHORTEST or len(parts) < 2:
        return None
    wish = _Wish.drawn(rng, emotion, opens=not loops and not given_bars, closes=not loops)
    draft = _Drafts(piece, parts, starts, wish, given_bars, frozenset(wished), rng)
    best, least = None, draft.cost(np.ones(draft.onsets.shape, bool))
    for _ in range(_DRAFTS):
        plays = draft.draw()
        cost = draft.cost(plays)
        if cost < least:
            best, least = plays, cost
    return None if best is None else Arrangement(parts, best)


@dataclass(frozen=True)
class _Wish:
    """The curve of one piece. opening: density of its first four bars over the middle; first_parts: share of the parts in its first two
    bars; spread: (largest - smallest) over mean density of its sections. thins: it thins out before its last chord."""

    opening: float
    first_parts: float
    spread: float
    thins: bool
    opens: bool
    closes: bool

    @classmethod
    def drawn(cls, rng: np.random.Generator, emotion: Emotion, *, opens: bool, closes: bool) -> _Wish:
        opening, first, spread, thins = (
            rng.beta(7.0, 4.0),
            rng.beta(5.0, 5.0),
            rng.gamma(12.0, 1.0 / 18.0),
            rng.random(),
        )
        return cls(opening, first, spread, bool(closes and thins < 0.4 - 0.4 * emotion.arousal), opens, closes)


class _Drafts:
    """Arrangements drawn at random, and what is wrong with one."""

    def __init__(
        self,
        piece: Piece,
        parts: tuple[Part, ...],
        starts: np.ndarray,
        wish: _Wish,
        given_bars: int,
        wished: frozenset[str],
        rng: np.random.Generator,
    ) -> None:
        self.parts, self.wish, self.given, self.rng = parts, wish, given_bars, rng
        self.onsets = _onsets(piece, parts, starts)  # (parts, bars)
        self.n_parts, self.n_bars = self.onsets.shape
        self.classes = _classes(piece, parts)  # (parts, beats, 12)
        self.bar_of_beat = np.clip(np.searchsorted(starts, np.arange(self.classes.shape[1]) + 1e-6) - 1, 0, None)
        self.chordal = self._chordal(np.ones(self.onsets.shape, bool))
        self.tune = _tune(piece, parts)
        self.contents = _contents(piece, parts, starts)  # (parts, bars)
        self.returning = self._returning(np.ones(self.onsets.shape, bool))
        self.drums = np.array([part.family == "drums" for part in parts])
        self.drums_rest = _longest_rest(self.onsets[self.drums].sum(axis=0))
        self.harmony = np.array([part.family in _HARMONY for part in parts])
        self.wished = np.array([part.family in wished for part in parts])
        self.n_tracks = len({part.track for part in parts})
        self.whole = self.n_bars // SECTION_BARS

    def draw(self) -> np.ndarray:
        """bool (parts, bars): who plays when."""
        plays = np.ones(self.onsets.shape, bool)
        rng, n = self.rng, self.n_bars
        if self.wish.opens:
            length = 2 if n < 12 else int(rng.choice((4, 8), p=(0.4, 0.6))) if n >= 20 else int(rng.choice((2, 4)))
            half = length if rng.random() < 0.25 else length // 2
            few = self._some(rng.uniform(0.2, 0.6))
            more = few | self._some(rng.uniform(0.2, 0.6))
            plays[~few, :half] = False
            plays[~more, half:length] = False
            if self.n_parts >= 5 and n >= 3 * SECTION_BARS and rng.random() < 0.2:
                late = int(rng.choice(np.flatnonzero(~few)))
                plays[late, : 2 * SECTION_BARS] = False
        for first in range(2 * SECTION_BARS, n - SECTION_BARS + 1, 3 * SECTION_BARS):  # the episodes
            if rng.random() < 0.5 and first >= self.given:
                stay = self._some(rng.uniform(0.2, 0.7))
                plays[~stay, first : first + int(rng.choice((2, 4, 4, 6)))] = False
        if self.wish.thins and n >= 12:
            rest = self._some(rng.uniform(0.3, 0.7))
            plays[rest, n - 1 - int(rng.choice((2, 3, 4))) :] = False
        self._enter(plays)
        plays[:, : self.given] = True
        return plays

    def _some(self, share: float) -> np.ndarray:
        """bool (parts,): about such a share of the parts, one at least and never all."""
        number = min(max(round(share * self.n_parts), 1), self.n_parts - 1)
        chosen = np.zeros(self.n_parts, bool)
        chosen[self.rng.permutation(self.n_parts)[:number]] = True
        return chosen

    def _enter(self, plays: np.ndarray) -> None:
        """Move each entry to a bar from which on the part plays: what it has before is left out."""
        for part in range(self.n_parts):
            for bar in np.flatnonzero(np.diff(plays[part].astype(int)) == 1) + 1:
                ready = next((b for b in range(bar, self.n_bars) if self._plays_on(part, b)), bar)
                plays[part, bar:ready] = False

    def _plays_on(self, part: int, bar: int) -> bool:
        ahead = self.onsets[part, bar : bar + 4] > 0
        return bool(ahead[0] and ahead.sum() >= min(2, len(ahead)))

    def _chordal(self, plays: np.ndarray) -> float:
        """Share of the beats in which three pitch classes or more sound."""
        sounds = (self.classes & plays[:, self.bar_of_beat, None]).any(axis=0)
        return float((sounds.sum(axis=1) >= _CHORD_TONES).mean())

    def _returning(self, plays: np.ndarray) -> float:
        """Share of the bars that an earlier one played already."""
        return 1.0 - len(np.unique((plays * self.contents).sum(axis=0))) / self.n_bars

    def cost(self, plays: np.ndarray) -> float:
        """How far the piece is from the curve drawn, and what is wrong with it; 0.."""
        heard = self.onsets * plays
        if (heard.sum(axis=1) < np.minimum(0.25 * self.onsets.sum(axis=1), 8)).any():
            return np.inf
        pitched, before = (x[~self.drums].sum(axis=0) > 0 for x in (heard, self.onsets))
        if (~pitched[1:] & ~pitched[:-1] & (before[1:] | before[:-1])).any() or (not pitched[0] and before[0]):
            return np.inf
        if self.drums.any() and _longest_rest(heard[self.drums].sum(axis=0)) >= max(LONGEST_REST, self.drums_rest + 1):
            return np.inf
        for section in range(self.whole if self.wished.any() else 0):
            span = slice(section * SECTION_BARS, (section + 1) * SECTION_BARS)
            if ((heard[:, span].sum(axis=1) == 0) & (self.onsets[:, span].sum(axis=1) > 0) & self.wished).any():
                return np.inf
        density, found = heard.sum(axis=0), _CHORDS * max(self.chordal - self._chordal(plays), 0.0)
        found += _RETURNS * max(self.returning - self._returning(plays), 0.0)
        if self.tune is not None:
            found += _TUNE * (1.0 - heard[self.tune].sum() / max(self.onsets[self.tune].sum(), 1.0))
        if self.whole >= 2:
            means = density[: self.whole * SECTION_BARS].reshape(self.whole, SECTION_BARS).mean(axis=1)
            spread = self.wish.spread * _SPREAD_OF_FEW.get(self.whole, 1.0)
            found += abs(np.ptp(means) / means.mean() - spread) / 0.25
        if self.wish.opens:
            middle = density[self.n_bars // 4 : -(-3 * self.n_bars // 4)].mean()
            found += abs(density[:4].mean() / max(middle, 1e-9) - self.wish.opening) / 0.2
            first = {part.track for part, n in zip(self.parts, heard[:, :2].sum(axis=1), strict=True) if n}
            found += abs(len(first) / self.n_tracks - self.wish.first_parts) / 0.25
            found += 0.5 * (not (heard[self.harmony, :2].sum() > 0))
            found += 0.1 * float((density[1:5] == 0).sum())
        return found


def _longest_rest(onsets: np.ndarray) -> int:
    """Most bars in a row without one, between the first and the last that has one."""
    bars = np.flatnonzero(onsets)
    return int((np.diff(bars) - 1).max()) if len(bars) > 1 else 0


def _parts_of(piece: Piece) -> tuple[Part, ...]:
    """The tracks that play; where they are few, the two hands of a chordal one each by itself."""
    playing = [(i, t) for i, t in enumerate(piece.tracks) if len(t.notes)]
    parts: list[Part] = []
    for index, track in playing:
        everything = np.ones(len(track.notes), bool)
        if len(playing) <= _FEW_PARTS and track.family in _HARMONY:
            pitch = track.notes["pitch"].astype(int)
            split = (np.quantile(pitch, 0.1) + np.quantile(pitch, 0.9)) / 2
            low = pitch < split
            if np.quantile(pitch, 0.9) - np.quantile(pitch, 0.1) >= _HAND_SPREAD and 0.2 < low.mean() < 0.8:
                parts += [Part(index, track.family, low), Part(index, track.family, ~low)]
                continue
        parts.append(Part(index, track.family, everything))
    return tuple(sorted(parts, key=lambda part: FAMILY_INDEX[part.family]))


def _bar_of(notes: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return np.clip(np.searchsorted(starts, notes["onset"] + 1e-6, side="right") - 1, 0, None)


def _onsets(piece: Piece, parts: tuple[Part, ...], starts: np.ndarray) -> np.ndarray:
    """float (parts, bars): notes that start there."""
    rows = [
        np.bincount(_bar_of(piece.tracks[p.track].notes[p.notes], starts), minlength=len(starts)).astype(float)
        for p in parts
    ]
    return np.stack(rows)


def _contents(piece: Piece, parts: tuple[Part, ...], starts: np.ndarray) -> np.ndarray:
    """int (parts, bars): equal numbers for equal bars of a part, so large that equal sums mean equal bars; 0 for an empty one."""
    found = np.zeros((len(parts), len(starts)), int)
    for row, part in enumerate(parts):
        notes = piece.tracks[part.track].notes[part.notes]
        bar = _bar_of(notes, starts)
        key = np.stack([np.rint((notes["onset"] - starts[bar]) * 12).astype(int), notes["pitch"].astype(int)], axis=1)
        for number in np.unique(bar):
            mine = key[bar == number]
            text = row.to_bytes(2, "big") + mine[np.lexsort(mine.T)].tobytes()
            found[row, number] = int.from_bytes(hashlib.blake2b(text, digest_size=7).digest(), "big")
    return found


def _classes(piece: Piece, parts: tuple[Part, ...]) -> np.ndarray:
    """bool (parts, beats, 12): which pitch classes sound in each beat; of drums none."""
    n_beats = max(int(np.ceil(piece.end_beats)), 1)
    found = np.zeros((len(parts), n_beats, 12), bool)
    for row, part in enumerate(parts):
        if part.family == "drums":
            continue
        notes = piece.tracks[part.track].notes[part.notes]
        first = np.minimum((notes["onset"] + 1e-6).astype(int), n_beats - 1)
        last = np.clip(np.ceil(notes["onset"] + notes["duration"] - 1e-6).astype(int), first + 1, n_beats)
        which = np.repeat(np.arange(len(notes)), last - first)
        beat = first[which] + np.arange(len(which)) - np.repeat(np.cumsum(last - first) - (last - first), last - first)
        found[row, beat, notes["pitch"][which] % 12] = True
    return found


def _tune(piece: Piece, parts: tuple[Part, ...]) -> int | None:
    """The part that is the tune, or its upper hand; None where only drums and bass play."""
    track = tune_of(piece)
    mine = [i for i, part in enumerate(parts) if part.track == track]
    return mine[-1] if mine else None


def _played(piece: Piece, plan: Arrangement) -> Piece:
    """The piece without what rests. An upbeat to an entry stays; what rings into a rest is damped after a beat."""
    starts = np.array(piece.bar_starts())
    kept = {part.track: np.zeros(len(piece.tracks[part.track].notes), bool) for part in plan.parts}
    notes_of = {part.track: piece.tracks[part.track].notes.copy() for part in plan.parts}
    for part, plays in zip(plan.parts, plan.plays, strict=True):
        notes = notes_of[part.track]
        bar = _bar_of(notes, starts)
        stays = plays[bar]
        for entry in np.flatnonzero(np.diff(plays.astype(int)) == 1) + 1:
            upbeat = part.notes & (notes["onset"] >= starts[entry] - _PICKUP_BEATS - 1e-6) & (bar == entry - 1)
            begins = (part.notes & (bar == entry) & (notes["onset"] < starts[entry] + 0.5)).any()
            if part.family != "drums" and begins and 2 <= upbeat.sum() <= 8:
                stays = stays | upbeat
        for rest in np.flatnonzero(np.diff(plays.astype(int)) == -1) + 1:
            rings = (
                part.notes & stays & (bar < rest) & (notes["onset"] + notes["duration"] > starts[rest] + _RING_BEATS)
            )
            notes["duration"][rings] = starts[rest] + _RING_BEATS - notes["onset"][rings]
        kept[part.track] |= part.notes & stays
    tracks = tuple(
        Track(t.family, t.program, notes_of[i][kept[i]]) if i in kept else t for i, t in enumerate(piece.tracks)
    )
    return replace(piece, tracks=tracks)
