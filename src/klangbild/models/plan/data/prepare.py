"""`klangbild data prepare plan NOTES.npz`: prepared notes to the one file that the flow over plans is learnt from.

Taken are labelled sections in which somebody plays, those of a piece together and in order. Clips of six begin at each of
them. Bands are what the notes model mostly plays: of any other set at most a sixth as many training clips are taken.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from klangbild.errors import InputError
from klangbild.models.bars.data.attributes import attributes_of, knots_of
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.section_attributes import NAMES
from klangbild.models.bars.vocabulary import BAR_0, METERS, TEMPO_0
from klangbild.models.plan.data.prepared import CLIP_SECTIONS, PlanClips
from klangbild.music.families import FAMILY_NAMES
from klangbild.music.section_features import FEATURES
from klangbild.training.manifest import sha256_of

STEP = 1
"""Sections from one clip of a piece to the next."""
MIN_IDS = 64
MIN_SECTIONS = 2
OTHERS_SHARE = 1 / 6
TRIPLE = ((3, 4), (3, 8), (9, 8))
COMPOUND = ((6, 8), (12, 8), (6, 4))


def prepare_plan(notes_file: Path, out: Path, *, seed: int = 1) -> PlanClips:
    """Cut the clips of `notes_file`, write `out`.

    Raises:
        InputError: the notes cannot be used, or no piece has two sections that fit.
    """
    notes = NoteData.load(notes_file)
    values = np.rint(127.0 * attributes_of(notes)).astype(np.int8)
    major, meter = _mode_and_meter(notes)
    fits = (np.diff(notes.section_start) >= MIN_IDS) & np.isfinite(notes.valence) & (notes.label_source > 0)
    fits &= (values[:, : len(FAMILY_NAMES)] > 0).any(axis=1)
    sections = np.flatnonzero(fits)
    piece = notes.section_piece[sections]
    windows: list[np.ndarray] = []
    for number in np.unique(piece):
        mine = (
            np.flatnonzero(piece == number)
            if len(sections) < 4096
            else np.arange(*np.searchsorted(piece, (number, number + 1)))
        )
        if len(mine) < MIN_SECTIONS:
            continue
        last = max(len(mine) - CLIP_SECTIONS, 0)
        windows += [mine[np.arange(first, first + CLIP_SECTIONS) % len(mine)] for first in range(0, last + 1, STEP)]
    if not windows:
        raise InputError(f"{notes_file}: has no piece of two labelled sections; prepare more music first")
    clip_section = np.array(windows, np.int32)
    of = piece[clip_section[:, 0]]
    kept = _thinned(notes.piece_pool[of], notes.piece_heldout[of], notes.bands(), np.random.default_rng(seed))
    clip_section, of = clip_section[kept], of[kept]
    data = PlanClips(
        values=values[sections],
        valence=notes.valence[sections].astype(np.float32),
        arousal=notes.arousal[sections].astype(np.float32),
        bpm=np.clip(notes.features[sections, FEATURES.index("bpm")], 30.0, 300.0).astype(np.float32),
        major=major[sections],
        triple=np.isin(meter[sections], [METERS.index(m) for m in TRIPLE]),
        compound=np.isin(meter[sections], [METERS.index(m) for m in COMPOUND]),
        rate=notes.features[sections, FEATURES.index("notes_per_s")].astype(np.float32),
        clip_section=clip_section,
        clip_piece=of.astype(np.int32),
        clip_heldout=notes.piece_heldout[of],
        clip_pool=notes.piece_pool[of],
        about={
            "pools": notes.about["pools"],
            "licences": notes.about["licences"],
            "families": len(FAMILY_NAMES),
            "attributes": list(NAMES),
            "attribute_knots": np.round(knots_of(notes), 4).tolist(),
            "notes_sha256": sha256_of(notes_file.read_bytes()),
            "seed": seed,
        },
    )
    data.save(out)
    print(summary(data), file=sys.stderr)
    return data


def summary(data: PlanClips) -> str:
    """A line for each pool, and one for all."""
    lines = []
    for number, pool in enumerate(data.about["pools"]):
        mine = data.clip_pool == number
        if mine.any():
            lines.append(f"{pool}: {mine.sum()} clips, {(mine & data.clip_heldout).sum()} held out")
    return "\n".join([*lines, f"{len(data)} clips of {CLIP_SECTIONS} sections, {len(data.values)} sections"])


def _mode_and_meter(notes: NoteData) -> tuple[np.ndarray, np.ndarray]:
    """Whether most bars of each section are in major (S,), and the meter (index into `METERS`) of most of them (S,)."""
    of = np.repeat(np.arange(len(notes.section_piece)), np.diff(notes.section_start))
    bar = (notes.ids >= BAR_0) & (notes.ids < TEMPO_0)
    meter, minor = np.divmod(notes.ids[bar].astype(np.int64) - BAR_0, 2)
    count = np.zeros((len(notes.section_piece), len(METERS)), np.int32)
    np.add.at(count, (of[bar], meter), 1)
    minors = np.bincount(of[bar], weights=minor, minlength=len(count))
    return minors <= 0.5 * count.sum(axis=1), count.argmax(axis=1)


def _thinned(pool: np.ndarray, heldout: np.ndarray, bands: int | None, rng: np.random.Generator) -> np.ndarray:
    """Which clips (N,) are kept: numbers, in order."""
    if bands is None:
        return np.arange(len(pool))
    most = max(int(OTHERS_SHARE * ((pool == bands) & ~heldout).sum()), 1)
    left = np.zeros(len(pool), bool)
    for number in set(pool.tolist()) - {bands}:
        mine = np.flatnonzero((pool == number) & ~heldout)
        left[rng.permutation(mine)[most:]] = True
    return np.flatnonzero(~left)
