"""`klangbild measure notes DIR...`: every measure of notes for folders of MIDI files, side by side.

A folder is a set: ours, another engine's, anyone's. Each is compared with real held-out band music (numbers that ship), with
pieces of the real music as control. Files that cannot be read are counted, not skipped in silence.

The reference has gone through our note language (a grid, tempi and velocities in steps), so every piece that is compared
with it goes through it too: else the form would give it away, whatever the music. Wishes and emotion are read as written.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from klangbild.errors import InputError
from klangbild.measure.results import Results, add_output, give, passed_over, progress, set_names
from klangbild.metrics import validity, wishes
from klangbild.metrics.bar_grid import bar_grid
from klangbild.metrics.emotion_judge import load_judge, read_piece
from klangbild.metrics.intervals import Estimate, bootstrap
from klangbild.metrics.note_sets import NoteSet, compare, load_reference
from klangbild.models.bars.language import BarsLanguage
from klangbild.music.midi import read_midi
from klangbild.music.midi_plain import MIDI_ENDINGS
from klangbild.music.piece import Piece


def midi_files(folder: Path) -> list[Path]:
    """All MIDI files below a folder, by name; a file stands for itself.

    Raises:
        InputError: there are none.
    """
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such file or folder; give a folder with .mid files")
    found = sorted(f for f in folder.rglob("*") if f.suffix.lower() in MIDI_ENDINGS)
    if not found:
        raise InputError(f"{folder}: holds no MIDI files; give a folder with .mid files")
    return found


def score_folder(folder: Path, *, judge_name: str, seed: int, reference: Path | None = None) -> dict[str, Estimate]:
    """All scores of one folder by name.

    Raises:
        InputError: no MIDI file, or none with notes in it.
    """
    judge, language = load_judge(judge_name), BarsLanguage()
    pieces: list[Piece] = []
    valid, held, read = [], [], []
    for file in progress(midi_files(folder), text=folder.name):
        try:
            piece = read_midi(file)
            wishes_held = wishes.evaluate(piece)["wishes_held"]
        except InputError as error:
            passed_over(error)
            valid.append(False)
            continue
        valid.append(not validity.complaints(piece))
        on_grid = language.decode(language.encode(piece))
        if not on_grid.n_notes:
            passed_over(f"{file}: holds no note of an instrument that we know")
            continue
        pieces.append(on_grid)
        held.append(wishes_held)
        read.append(read_piece(judge, bar_grid(piece)))
    if not pieces:
        raise InputError(f"{folder}: none of its {len(valid)} MIDI files has notes that can be read; give others")
    real, axes = load_reference(reference)
    out = {"valid": bootstrap(np.array(valid, float)), "wishes_held": bootstrap(np.array(held))}
    out |= {f"{name}_read": bootstrap(np.array(read)[:, i]) for i, name in enumerate(("valence", "arousal"))}
    return out | compare(NoteSet.of(pieces), real, axes, seed=seed)


def real_half(*, seed: int, reference: Path | None = None) -> dict[str, Estimate]:
    """The control: one half of the real pieces against the other."""
    real, axes = load_reference(reference)
    order = np.random.default_rng(seed).permutation(len(real))
    half = len(order) // 2
    # its classifier stands as auc_real_real beside every set already
    return compare(real.some(order[:half]), real.some(order[half:]), axes, seed=seed, classifier=False)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure notes`."""
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="folders of MIDI files, one a set")
    parser.add_argument("--reference", type=Path, metavar="FILE", help="of 'measure reference' (default: what ships)")
    parser.add_argument("--judge", default="vgmidi", help="emotion judge: emopia or vgmidi (default: vgmidi)")
    parser.add_argument("--seed", type=int, default=0)
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Measure each folder, and the control."""
    results = Results("notes", seed=args.seed, notes=[load_judge(args.judge).accuracy])
    for name, folder in zip(set_names(args.folders), args.folders, strict=True):
        results.sets[name] = score_folder(folder, judge_name=args.judge, seed=args.seed, reference=args.reference)
    results.sets["real half"] = real_half(seed=args.seed, reference=args.reference)
    results.notes.append("'real half' is real held-out music against the rest of it: what cannot be bettered")
    return give(results, args)
