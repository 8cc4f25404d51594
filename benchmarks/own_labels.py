"""Are pseudo-labels right where nobody rated a piece? A folder of one's own against the full preparation.

    python benchmarks/own_labels.py MIDI_DIR [--notes data/prepared/notes.npz]

MIDI_DIR: the raw sets that NOTES.npz was prepared from. Its held-out files whose beat was right from the start are copied into
a folder whose name says nothing, and prepared like a user's own: by a labelling fitted on the pieces that are not held out.
Printed: how the sections' labels agree with those of the full preparation, and how labels of all rated pieces agree with
what people said of them: by the full preparation's formulas, by a labelling, by the mode alone (`--licence open`).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from klangbild.models.bars.data.choose_labels import mode_coefficients
from klangbild.models.bars.data.emotion_labels import PSEUDO, RatedPieces, fit_valence, label_sections, pool_ranks
from klangbild.models.bars.data.labelling import Labelling
from klangbild.models.bars.data.prepare import prepare_notes
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.data.raw_sets import read_sets
from klangbild.music.section_features import FEATURES
from klangbild.training.manifest import read_manifest


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation."""
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def area_under_curve(values: np.ndarray, positive: np.ndarray) -> float:
    """How often a positive's value is above a negative's."""
    n, m = positive.sum(), (~positive).sum()
    return float((rankdata(values)[positive].sum() - n * (n + 1) / 2) / (n * m))


def only(data: NoteData, pieces: np.ndarray) -> NoteData:
    """The sections of some pieces, bool (P,); numbers of pieces stay. Ids go: labels need none."""
    here = pieces[data.section_piece]
    rating = np.where(pieces[:, None], data.piece_rating, [np.nan, np.nan, 0.0]).astype(np.float32)
    return replace(
        data,
        section_piece=data.section_piece[here],
        section_seconds=data.section_seconds[here],
        features=data.features[here],
        piece_rating=rating,
    )


def full_labels(data: NoteData, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The full preparation's pseudo-labels of all sections, rated ones too: ranks in their own set."""
    nothing = np.full(len(data.piece_name), np.nan)
    nobody = RatedPieces(nothing, nothing, np.zeros(len(nothing), int))
    return label_sections(
        data.features, counts(data), data.piece_pool[data.section_piece], data.section_piece, nobody,
        coefficients=coefficients,
    )  # fmt: skip


def counts(data: NoteData) -> np.ndarray:
    """Notes of each section (S,)."""
    return np.rint(data.features[:, FEATURES.index("notes_per_s")] * data.section_seconds)


def valence_coefficients(data: NoteData, without: str = "") -> np.ndarray:
    """The ridge of the full preparation, without the ratings of one set."""
    rating = data.piece_rating.copy()
    if without:
        rating[data.piece_pool == data.about["pools"].index(without)] = (np.nan, np.nan, 0.0)
    rated = RatedPieces(rating[:, 0], rating[:, 1], rating[:, 2].astype(int))
    pool = data.piece_pool[data.section_piece]
    return fit_valence(pool_ranks(data.features, pool), data.section_piece, rated)


def heldout_as_own(data: NoteData, raw: Path, notes: Path, folder: Path) -> NoteData:
    """Held-out, on-grid files prepared as a folder without ratings, by a labelling that saw none of them."""
    kept = {
        f"{row.set}/{row.file}"
        for row in read_manifest(notes.with_name(notes.stem + "-manifest.csv"))
        if row.split == "heldout" and "regridded" not in row.note
    }
    own = folder / "own" / "music"
    for file in read_sets(raw):
        if file.name in kept:
            path = own / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.data)
    Labelling.fit(only(data, ~data.piece_heldout)).save(folder / "labels.npz")
    return prepare_notes(folder / "own", folder / "own.npz", labels=folder / "labels.npz", progress=False)


def print_agreement(data: NoteData, own: NoteData) -> None:
    """A row a set: Spearman and mean difference of the sections' labels."""
    full = dict(zip(data.piece_name.tolist(), range(len(data.piece_name)), strict=True))
    valence, arousal, source = full_labels(data, valence_coefficients(data))
    rows: dict[str, list[np.ndarray]] = {}
    for number, name in enumerate(own.piece_name.tolist()):
        name = name.removeprefix("music/")
        theirs, mine = data.section_piece == full[name], own.section_piece == number
        if theirs.sum() != mine.sum():
            print(f"{name}: {mine.sum()} sections, {theirs.sum()} in the full preparation", file=sys.stderr)
            continue
        table = np.stack([valence[theirs], arousal[theirs], own.valence[mine], own.arousal[mine]], axis=1)
        rows.setdefault(name.split("/")[0], []).append(table[(source[theirs] == PSEUDO) & (own.label_source[mine] > 0)])
    everything = [table for tables in rows.values() for table in tables]
    print("| set | files | sections | valence: Spearman (mean difference) | arousal |\n|---|---|---|---|---|")
    for name, tables in [*rows.items(), ("all", everything)]:
        t = np.concatenate(tables)
        cells = [f"{spearman(t[:, i], t[:, i + 2]):.2f} ({(t[:, i + 2] - t[:, i]).mean():+.2f})" for i in (0, 1)]
        print(f"| {name} | {len(tables)} | {len(t)} | {cells[0]} | {cells[1]} |")


def print_human(data: NoteData) -> None:
    """Agreement with raters, by piece, on all rated pieces of each set."""
    print("\n| set | labels | valence | arousal |\n|---|---|---|---|")
    sets = ["somebody's"] * len(data.piece_name)
    for name in ("vgmidi", "emopia"):
        pieces = data.piece_pool == data.about["pools"].index(name)
        rating = data.piece_rating
        without = only(data, ~pieces)
        ways = {
            "full preparation's formulas": full_labels(data, valence_coefficients(data)),
            "the same without this set's ratings": full_labels(data, valence_coefficients(data, without=name)),
            "as one's own folder": Labelling.fit(data).label(data.features, counts(data), data.section_piece, sets),
            "the same, fitted without this set": Labelling.fit(without).label(
                data.features, counts(data), data.section_piece, sets
            ),
            "mode alone (--licence open)": full_labels(data, mode_coefficients()),
        }
        for way, labels in ways.items():
            size = np.maximum(np.bincount(data.section_piece, minlength=len(pieces)), 1)
            means = [np.bincount(data.section_piece, axis, len(pieces)) / size for axis in labels[:2]]
            if name == "vgmidi":
                known = pieces & np.isfinite(rating[:, 0])
                scores = [spearman(m[known], rating[known, i]) for i, m in enumerate(means)]
            else:
                known = pieces & (rating[:, 2] > 0)
                scores = [
                    area_under_curve(m[known], np.isin(rating[known, 2], up))
                    for m, up in zip(means, ((1, 4), (1, 2)), strict=True)
                ]
            kind = "Spearman" if name == "vgmidi" else "AUC"
            print(f"| {name}, {known.sum()} pieces | {way} | {scores[0]:.2f} {kind} | {scores[1]:.2f} {kind} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("midi", type=Path, metavar="MIDI_DIR")
    parser.add_argument("--notes", type=Path, default=Path("data/prepared/notes.npz"))
    arguments = parser.parse_args()
    data = NoteData.load(arguments.notes)
    with tempfile.TemporaryDirectory() as folder:
        print_agreement(data, heldout_as_own(data, arguments.midi, arguments.notes, Path(folder)))
    print_human(data)


if __name__ == "__main__":
    main()
