"""How much of what the notes model writes stands, note for note, in the music it learnt from?

    python benchmarks/copied.py FOLDER [--data data/prepared/notes.npz] [--length 8 16 32]

Every player of an 8-bar section but the drums is a line of notes: pitch (in C major or A minor) and steps since the note before.
Counted are the runs of so many notes of the pieces' lines that occur in some line of a training piece. Held-out band pieces (two
sections of each) are the control: music shares scales, repeated notes and broken chords, so it is not 0.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.language import DRUMS, BarsLanguage
from klangbild.models.bars.section_attributes import section_notes
from klangbild.music.midi import read_midi


def hashes(ids: np.ndarray, length: int) -> np.ndarray:
    """A number for each run of `length` ids, (n - length + 1,) uint64; equal runs have equal numbers."""
    powers = np.uint64(0x9E3779B97F4A7C15) ** np.arange(length, dtype=np.uint64)
    out = np.zeros(max(len(ids) - length + 1, 0), np.uint64)
    for i in range(length):
        out += (ids[i : len(ids) - length + 1 + i].astype(np.uint64) + np.uint64(1)) * powers[i]
    return out


def lines_of(ids: np.ndarray) -> list[np.ndarray]:
    """The lines of one section: for each player but the drums, a number for every note (n,) int64."""
    _, step, family, pitch, *_ = section_notes(np.asarray(ids, np.int64))
    lines = []
    for player in np.unique(family[family != DRUMS]):
        mine = family == player
        since = np.diff(step[mine], prepend=step[mine][:1])
        lines.append(pitch[mine] * 1000 + np.minimum(since, 999))
    return lines


def runs(lines: list[np.ndarray], length: int) -> np.ndarray:
    """Hashes of all runs of `length` notes. The first note's distance from what was before does not count."""
    found = []
    for line in lines:
        if len(line) >= length:
            found.append(hashes(line, length) - hashes(line % 1000, 1)[: len(line) - length + 1] + np.uint64(1))
    return np.concatenate([np.zeros(0, np.uint64), *found])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, default=Path("data/prepared/notes.npz"))
    parser.add_argument("--length", type=int, nargs="+", default=[8, 16, 32])
    args = parser.parse_args()
    data, language = NoteData.load(args.data), BarsLanguage()
    band = data.about["pools"].index("band")
    training: list[np.ndarray] = []
    real: dict[int, list[np.ndarray]] = {}
    for section in np.flatnonzero(np.diff(data.section_start) > 0).tolist():
        piece = int(data.section_piece[section])
        lines = lines_of(data.ids[data.section_start[section] : data.section_start[section + 1]])
        if not data.piece_heldout[piece]:
            training += lines
        elif data.piece_pool[piece] == band:
            real.setdefault(piece, []).extend(lines)
    made = [
        [line for section in language.encode_sections(read_midi(file)) for line in lines_of(section.ids)]
        for file in sorted(args.folder.glob("*.mid"))
    ]
    print(
        "| notes in a run | composed: share found in training, mean, median, 90th percentile | held-out music |\n|---|---|---|"
    )
    for length in args.length:
        known = np.unique(runs(training, length))
        cells = []
        for pieces in (made, list(real.values())):
            shares = []
            for lines in pieces:
                own = np.unique(runs(lines, length))
                if len(own):
                    place = np.minimum(np.searchsorted(known, own), len(known) - 1)
                    shares.append((known[place] == own).mean())
            cells.append(
                f"{np.mean(shares):.3f}, {np.median(shares):.3f}, {np.quantile(shares, 0.9):.3f} ({len(shares)})"
            )
        print(f"| {length} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
