"""`klangbild data prepare roll NOTES.npz`: prepared notes to the one file that the piano-roll latent is learnt from.

Taken are sections of eight whole bars of 4/4 with nine of ten onsets on the grid of sixteenths; neighbours join to stretches
(at most `MAX_SECTIONS` long), and stretches of two sections or more give clips of 64 beats, a new one every section. Of a
pool that has more than its share the clips of the training side are thinned, the others kept.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from klangbild.errors import InputError
from klangbild.models.bars.data.emotion_labels import NO_LABEL
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.language import BarsLanguage
from klangbild.models.bars.vocabulary import BAR_0, GRID, METERS, NOTE_0, POSITION_0, SECTION_BARS, TEMPO_0
from klangbild.models.roll.data.prepared import CLIP_BEATS, FACT_TYPES, RollData
from klangbild.models.roll.grid import BAR_BEATS, STEPS, RollNotes, roll_notes
from klangbild.music.describe import main_tempo
from klangbild.music.families import FAMILY_INDEX, FAMILY_NAMES
from klangbild.music.piece import Piece
from klangbild.training.manifest import sha256_of

ON_GRID = 0.9
SECTION_BEATS = SECTION_BARS * BAR_BEATS
MAX_SECTIONS = 200
MIN_NOTES = 40
"""Of a clip: less than ten a section is a pause more than music."""
MAX_SHARE = 0.3
"""Of the training clips, for one pool."""


def prepare_roll(notes_file: Path, out: Path, *, seed: int = 1, progress: bool = True) -> RollData:
    """Cut the stretches of `notes_file`, write `out`.

    Raises:
        InputError: the notes cannot be used, or nothing of them is on the grid.
    """
    notes = NoteData.load(notes_file)
    usable = usable_sections(notes)
    stretches = list(_stretches(notes, usable))
    columns: list[list[Any]] = [[] for _ in range(4)]
    lengths, beats = [0], []
    clips: list[dict[str, float | int | bool]] = []
    language = BarsLanguage()
    for run, (first, end) in enumerate(_bar(stretches, shown=progress)):
        piece = language.decode(notes.ids[notes.section_start[first] : notes.section_start[end]])
        grid = roll_notes(piece)
        n_beats = (end - first) * SECTION_BEATS
        grid = RollNotes(
            *(part[grid.step < n_beats * STEPS] for part in (grid.step, grid.lane, grid.length, grid.loud))
        )
        for column, part in zip(
            columns, (grid.step, grid.lane, np.minimum(grid.length, 255), grid.loud * 127), strict=True
        ):
            column.append(np.rint(part))
        lengths.append(len(grid))
        beats.append(n_beats)
        clips += _clips(notes, piece, first, end, run)
    if not clips:
        raise InputError(f"{notes_file}: has no 16 bars of 4/4 on the grid of sixteenths; prepare more music first")
    kept = _thinned(clips, len(notes.about["pools"]), seed)
    kinds = ("u2", "u2", "u1", "u1")
    arrays = [np.concatenate(column).astype(kind) for column, kind in zip(columns, kinds, strict=True)]
    data = RollData(
        *arrays,
        run_start=np.cumsum(lengths).astype(np.int64),
        run_beats=np.array(beats, np.int32),
        **{n: np.array([c[n] for c in kept], np.int32) for n in ("clip_run", "clip_beat", "clip_piece")},
        clip_heldout=np.array([c["clip_heldout"] for c in kept], bool),
        **{name: np.array([c[name] for c in kept], kind) for name, kind in FACT_TYPES.items()},
        about={
            "pools": notes.about["pools"],
            "families": list(FAMILY_NAMES),
            "licences": notes.about["licences"],
            "notes_sha256": sha256_of(notes_file.read_bytes()),
            "seed": seed,
            "on_grid": ON_GRID,
            "sections": int((np.diff(notes.section_start) > 0).sum()),
            "sections_used": int(usable.sum()),
        },
    )
    data.save(out)
    if progress:
        print(summary(data), file=sys.stderr)
    return data


def usable_sections(notes: NoteData) -> np.ndarray:
    """(S,) bool: eight whole bars of 4/4, labelled, on the grid."""
    ids, sections = notes.ids, len(notes.section_piece)
    of = np.repeat(np.arange(sections), np.diff(notes.section_start))
    is_bar = (ids >= BAR_0) & (ids < TEMPO_0)
    is_position = (ids >= POSITION_0) & (ids < NOTE_0)
    common = (ids[is_bar] - BAR_0) // 2 == METERS.index((4, 4))
    bars = np.bincount(of[is_bar], minlength=sections)
    in_four = np.bincount(of[is_bar], weights=common, minlength=sections)
    straight = (ids[is_position] - POSITION_0) % (GRID // STEPS) == 0
    onsets = np.bincount(of[is_position], minlength=sections)
    share = np.bincount(of[is_position], weights=straight, minlength=sections) / np.maximum(onsets, 1)
    labelled = notes.label_source != NO_LABEL
    return (bars == SECTION_BARS) & (in_four == SECTION_BARS) & (share >= ON_GRID) & (onsets > 0) & labelled


def _stretches(notes: NoteData, usable: np.ndarray) -> Iterator[tuple[int, int]]:
    """(first section, section after the last) of neighbours in one piece, two or more."""
    first = 0
    while first < len(usable):
        end = first
        while (
            end < len(usable)
            and usable[end]
            and notes.section_piece[end] == notes.section_piece[first]
            and end - first < MAX_SECTIONS
        ):
            end += 1
        if end - first >= CLIP_BEATS // SECTION_BEATS:
            yield first, end
        first = max(end, first + 1)


def _clips(notes: NoteData, piece: Piece, first: int, end: int, run: int) -> list[dict[str, float | int | bool]]:
    """The clips of a stretch, with their facts."""
    number = int(notes.section_piece[first])
    span = CLIP_BEATS // SECTION_BEATS
    played = {FAMILY_INDEX[name]: own["onset"] for name, own in piece.by_family().items()}
    onsets = np.sort(np.concatenate(list(played.values()))) if played else np.empty(0)
    modes = _modes(notes, first, end)
    found = []
    for section in range(first, end - span + 1):
        beat = (section - first) * SECTION_BEATS
        inside = int(np.diff(np.searchsorted(onsets, (beat - 0.1, beat + CLIP_BEATS - 0.1)))[0])
        if inside < MIN_NOTES:
            continue
        seconds = float(np.diff(piece.beats_to_seconds([beat, beat + CLIP_BEATS]))[0])
        here = {
            family: int(np.diff(np.searchsorted(on, (beat, beat + CLIP_BEATS)))[0]) for family, on in played.items()
        }
        mode = int(modes[section - first : section - first + span].mean() >= 0.5)
        found.append({
            "clip_run": run, "clip_beat": beat, "clip_piece": number, "clip_heldout": bool(notes.piece_heldout[number]),
            "valence": float(notes.valence[section : section + span].mean()),
            "arousal": float(notes.arousal[section : section + span].mean()),
            # a tempo that changes on the way counts as its mean
            "tempo": 60 * CLIP_BEATS / seconds if len(piece.tempos) > 1 else main_tempo(piece),
            "mode": mode, "tonic": 0 if mode else 9, "meter": 44,
            "families": sum(1 << family for family, n in here.items() if n >= 2),
            "rate": inside / seconds, "pool": int(notes.piece_pool[number]),
        })  # fmt: skip
    return found


def _modes(notes: NoteData, first: int, end: int) -> np.ndarray:
    """Share of major bars in each section, 0..1."""
    found = []
    for section in range(first, end):
        ids = notes.ids[notes.section_start[section] : notes.section_start[section + 1]]
        found.append(1 - ((ids[(ids >= BAR_0) & (ids < TEMPO_0)] - BAR_0) % 2).mean())
    return np.array(found)


def _thinned(clips: list[dict[str, Any]], n_pools: int, seed: int) -> list[dict[str, Any]]:
    """No pool has more than `MAX_SHARE` of the training clips, as counted before."""
    rng = np.random.default_rng(seed)
    training = [i for i, c in enumerate(clips) if not c["clip_heldout"]]
    most = max(int(MAX_SHARE * len(training)), 1)
    left_out: set[int] = set()
    for pool in range(n_pools):
        mine = [i for i in training if clips[i]["pool"] == pool]
        if len(mine) > most and len(mine) < len(training):
            left_out |= {mine[k] for k in rng.permutation(len(mine))[most:]}
    return [c for i, c in enumerate(clips) if i not in left_out]


def _bar(items: list, *, shown: bool) -> Iterator:
    from tqdm import tqdm

    return iter(tqdm(items, desc="stretches", disable=not shown, file=sys.stderr, mininterval=2.0))


def summary(data: RollData) -> str:
    """A line for each pool, and one for all."""
    lines = []
    for number, pool in enumerate(data.about["pools"]):
        mine = data.pool == number
        if mine.any():
            lines.append(f"{pool}: {mine.sum()} clips, {(mine & data.clip_heldout).sum()} held out")
    used, there = data.about["sections_used"], data.about["sections"]
    return "\n".join([*lines, f"{len(data)} clips of 64 beats; {used} of {there} sections are 4/4 on the grid"])
