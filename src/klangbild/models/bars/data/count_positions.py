"""Counting where in the bar things happen: how `bar-profiles.json`, which `bar_profiles.py` reads, is made.

Only files whose own tempo map is right are counted: mended, on their grid, of one meter throughout (4/4 or 3/4).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from klangbild.errors import InputError
from klangbild.models.bars.data.bar_profiles import CHANNELS, STEPS_PER_BEAT, note_channels
from klangbild.models.bars.data.raw_sets import read_sets
from klangbild.models.bars.data.repair_tempo import mend, on_grid
from klangbild.music.midi import read_midi
from klangbild.music.piece import Piece
from klangbild.whole_files import atomic_write

MIN_ONSETS = 16
"""A channel of a piece with fewer onsets says nothing about where they usually fall."""


def count_positions(pieces: Iterable[Piece]) -> dict[int, np.ndarray]:
    """Pieces -> {beats a bar, 4 and 3: (channels, steps), 5 and 48 or 36, the shares of a channel's onsets, each row's sum 1}.

    Every piece weighs alike, however long; pieces of other meters, or of several, are passed over.
    """
    totals = {beats: np.full((len(CHANNELS), beats * STEPS_PER_BEAT), 1e-3) for beats in (4, 3)}
    for piece in pieces:
        beats = piece.meters[0][1]
        if len(piece.meters) != 1 or piece.meters[0][2] != 4 or beats not in totals:
            continue
        onsets, channels = note_channels(piece)
        n_steps = beats * STEPS_PER_BEAT
        steps = np.rint(onsets * STEPS_PER_BEAT).astype(int) % n_steps
        for channel in range(len(CHANNELS)):
            counts = np.bincount(steps[channels == channel], minlength=n_steps)
            if counts.sum() >= MIN_ONSETS:
                totals[beats][channel] += counts / counts.sum()
    return {beats: table / table.sum(axis=1, keepdims=True) for beats, table in totals.items()}


def pieces_on_their_grid(folders: Sequence[Path]) -> Iterator[Piece]:
    """The pieces of all sets of the folders whose tempo map is right. Files that cannot be read are passed over."""
    for folder in folders:
        for file in read_sets(folder):
            try:
                piece = mend(read_midi(file.data)).piece
            except InputError:
                continue
            if piece.n_notes and on_grid(piece):
                yield piece


def write_positions(folders: Sequence[Path], out: Path) -> int:
    """Count all pieces of the folders and write the table; how many there were.

    Raises:
        InputError: a folder cannot be read, or no piece in it stands on its grid.
    """
    n_pieces = 0

    def counted() -> Iterator[Piece]:
        nonlocal n_pieces
        for piece in pieces_on_their_grid(folders):
            n_pieces += 1
            yield piece

    table = count_positions(counted())
    if not n_pieces:
        where = ", ".join(map(str, folders))
        raise InputError(f"{where}: no MIDI file there stands on its own beats; give files written with a tempo map")
    rows = {
        beats: ",\n  ".join(json.dumps([round(float(v), 5) for v in row]) for row in shares)
        for beats, shares in table.items()
    }
    text = ",\n".join(f'"{beats}": [\n  {lines}]' for beats, lines in rows.items())
    out.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(out, f"{{{text}}}\n".encode())
    return n_pieces
