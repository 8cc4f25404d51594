"""`klangbild measure controls`: is every metric able to see what it claims to see? Real music against music made wrong.

Held-out real music is cut in two halves by piece. One half, as it is and broken in several ways (`measure.control_music`), and
music of another corpus, is measured against the other half. A metric that claims to see a control must score the real half
better; where it cannot see one by its definition (shuffled bars do not change which notes there are), the table says "blind".

Metrics
    For each score the value of every set, and `*` where it is worse than the real half's beyond the real half's own interval.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from klangbild.measure.control_music import NOTE_CONTROLS, SOUND_CONTROLS
from klangbild.measure.play import played
from klangbild.measure.real_music import pieces_of
from klangbild.measure.results import Results, add_output, give, progress
from klangbild.measure.sound import SoundSet, distances, sound_set
from klangbild.metrics.intervals import Estimate
from klangbild.metrics.note_embedding import NoteAxes, fit_note_axes
from klangbild.metrics.note_sets import NoteSet, compare
from klangbild.models.bars.data.prepared import NoteData
from klangbild.music.piece import Piece

# score: (+1 higher is better, -1 lower), what it cannot see by its definition (counts of notes do not know their order) or was
# found not to see in a trial with 24 pieces (pitch classes of folk music, relative to the key, are those of band music)
CLAIMS: dict[str, tuple[int, tuple[str, ...]]] = {
    "frechet_music_distance": (-1, ("shuffled bars",)),
    "auc_real_generated": (-1, ()),
    "overlap_mean": (1, ("shuffled bars", "shuffled notes")),
    "overlap_pitch_class": (1, ("shuffled bars", "shuffled notes", "other corpus")),
    "overlap_interval": (1, ("shuffled bars",)),
    "overlap_duration": (1, ("shuffled bars", "shuffled notes", "one bar")),
    "overlap_velocity": (1, ("shuffled bars", "shuffled notes", "one bar")),
    "overlap_polyphony": (1, ("shuffled bars", "shuffled notes", "one bar")),
    "overlap_density": (1, ("shuffled bars", "shuffled notes", "random notes")),
    "overlap_families": (1, ("shuffled bars", "shuffled notes", "one bar", "random notes")),
    "overlap_groove": (1, ("shuffled bars", "shuffled notes", "one bar")),
    "pitch_class_entropy_distance": (-1, ("shuffled bars", "shuffled notes")),
    "scale_consistency_distance": (-1, ("shuffled bars", "shuffled notes", "one bar")),
    "groove_consistency_distance": (-1, ("shuffled bars", "shuffled notes")),
    "empty_beat_rate_distance": (-1, ("shuffled bars", "shuffled notes", "one bar", "random notes")),
    "polyphony_distance": (-1, ("shuffled bars", "shuffled notes", "one bar", "random notes")),
    "longest_loop_distance": (-1, ("shuffled bars", "shuffled notes", "random notes", "other corpus")),
    "hangs": (-1, ("shuffled bars", "shuffled notes", "random notes", "other corpus")),
    "repeated_bars_distance": (-1, ("shuffled bars", "other corpus")),
    "phrase_pulse_distance": (-1, ("other corpus",)),
    "return_similarity_distance": (-1, ("shuffled bars", "other corpus")),
    "fad_own": (-1, ("shuffled bars", "shuffled notes")),
    "auc_sound": (-1, ("shuffled bars",)),
}


def note_controls(data: NoteData, *, pool: str, other: str, pieces: int, seed: int) -> dict[str, dict[str, Estimate]]:
    """Set -> score -> value for one half of the real pieces, its broken versions, and another corpus."""
    real = [piece for _, piece in pieces_of(data, pool, sections=8, most=2 * pieces)]
    order = np.random.default_rng(seed).permutation(len(real))
    half = [real[i] for i in order[: len(real) // 2]]
    reference = NoteSet.of([real[i] for i in order[len(real) // 2 :]])
    axes: NoteAxes = fit_note_axes(
        NoteSet.of(p for _, p in pieces_of(data, pool, heldout=False, most=150, sections=8)).sections
    )
    sets: dict[str, list[Piece]] = {"real half": half}
    for name, broken in NOTE_CONTROLS.items():
        sets[name] = [broken(piece, np.random.default_rng([seed, i])) for i, piece in enumerate(half)]
    sets["other corpus"] = [p for _, p in pieces_of(data, other, heldout=True, sections=8, most=len(half))]
    return {
        name: dict(compare(NoteSet.of(made), reference, axes, seed=seed))
        for name, made in progress(sets.items(), text="notes")
    }


def sound_controls(data: NoteData, *, pool: str, other: str, pieces: int, seed: int) -> dict[str, dict[str, Estimate]]:
    """The same for sound: pieces played with our player, as they are and broken."""
    real = [piece for _, piece in pieces_of(data, pool, sections=3, most=2 * pieces)]
    order = np.random.default_rng(seed).permutation(len(real))
    half, rest = (([real[i] for i in part]) for part in (order[: len(real) // 2], order[len(real) // 2 :]))
    reference = _heard(rest)
    sets: dict[str, SoundSet] = {"real half": _heard(half)}
    for name in ("shuffled bars", "shuffled notes", "one bar", "random notes"):
        sets[name] = _heard(
            [NOTE_CONTROLS[name](piece, np.random.default_rng([seed, i])) for i, piece in enumerate(half)]
        )
    sounds = [played(piece) for piece in half]
    for name, broken in SOUND_CONTROLS.items():
        made = [(str(i), broken(sound, np.random.default_rng([seed, i]))) for i, sound in enumerate(sounds)]
        sets[name] = sound_set(made)
    sets["other corpus"] = _heard([p for _, p in pieces_of(data, other, heldout=True, sections=3, most=len(half))])
    return {name: dict(distances(made, reference, seed=seed)) for name, made in sets.items()}


def _heard(pieces: list[Piece]) -> SoundSet:
    return sound_set([(str(i), played(piece)) for i, piece in enumerate(progress(pieces, text="playing"))])


def sees(score: str, real: Estimate, control: Estimate, name: str) -> str:
    """ "sees", "misses", or "blind" (does not claim to see this control)."""
    sign, blind = CLAIMS[score]
    if name in blind:
        return "blind"
    worst = real.value if not np.isfinite(real.low) else (real.high if sign < 0 else real.low)
    return "sees" if sign * control.value < sign * worst or (not np.isfinite(control.value)) else "misses"


def verdicts(sets: dict[str, dict[str, Estimate]]) -> dict[str, dict[str, str]]:
    """score -> control -> sees, misses or blind."""
    real = sets["real half"]
    return {
        score: {
            name: sees(score, real[score], scores[score], name)
            for name, scores in sets.items() if name != "real half" and score in scores
        }
        for score in CLAIMS if score in real
    }  # fmt: skip


def markdown(sets: dict[str, dict[str, Estimate]]) -> str:
    """The table of the docs: values, `*` where the control is told from real music, brackets where the metric is blind."""
    names = list(sets)
    lines = ["| score | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    found = verdicts(sets)
    for score, row in found.items():
        cells = []
        for name in names:
            if score not in sets[name]:
                cells.append("")
                continue
            text = f"{sets[name][score].value:.3g}"
            mark = {"sees": "{} *", "misses": "{}", "blind": "({})"}[row[name]] if name in row else "{}"
            cells.append(mark.format(text))
        lines.append(
            f"| {score} {'(higher is better)' if CLAIMS[score][0] > 0 else ''} | ".replace("  |", " |")
            + " | ".join(cells)
            + " |"
        )
    return "\n".join(lines)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure controls`."""
    parser.add_argument("--data", type=Path, default=Path("data/prepared/notes.npz"), help="prepared notes data")
    parser.add_argument("--pool", default="band", help="real music (default: band)")
    parser.add_argument("--other", default="nottingham", help="the other corpus (default: nottingham)")
    parser.add_argument("--pieces", type=int, default=56, help="pieces a set (default 56)")
    parser.add_argument("--sounds", type=int, default=24, help="pieces a set that are played (default 24; 0: none)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--markdown", action="store_true", help="print the table of the docs")
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Make the controls, measure them, print the table; exit 1 when a score misses what it claims to see."""
    data = NoteData.load(args.data)
    where = {"pool": args.pool, "other": args.other, "seed": args.seed}
    results = Results("controls", seed=args.seed)
    results.sets = note_controls(data, pieces=args.pieces, **where)
    tables = [results.sets]
    if args.sounds:
        sounds = sound_controls(data, pieces=args.sounds, **where)
        tables.append(sounds)
        for name, scores in sounds.items():
            results.sets.setdefault(name, {}).update(scores)
    found = {}
    for table in tables:
        for score, row in verdicts(table).items():
            found.setdefault(score, {}).update(row)
    results.details["verdicts"] = found
    missed = [
        f"{score} misses {name}" for score, row in found.items() for name, word in row.items() if word == "misses"
    ]
    results.notes = missed or ["every score sees what it claims to see"]
    if args.markdown:
        if args.out:
            results.save(args.out)
        print("\n\n".join(markdown(table) for table in (tables if len(tables) == 1 else [_first(tables), tables[1]])))
        print("\n" + "; ".join(results.notes))
        return int(bool(missed))
    give(results, args)
    return int(bool(missed))


def _first(tables: list[dict]) -> dict[str, dict[str, Estimate]]:
    """The table of notes without what the sounds have put beside it."""
    return {
        name: {k: v for k, v in s.items() if k not in ("fad_own", "fad_own_infinity", "auc_sound")}
        for name, s in tables[0].items()
        if len(s) > 2
    }
