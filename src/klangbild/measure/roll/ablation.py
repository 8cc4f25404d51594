"""`klangbild measure synapse`: does the picture help the sound model beside the words? MeLFusion's ablation.

Held-out triplets of picture, words without feelings, and clip (`held_pairs`). For each form of the synapse the model plays from
the words, from the picture, from both, and from the words with another triplet's picture; the noise of a triplet is the same
each time. Another model: `--weights DIR`.

Conventions
    Sounds are 10.24 s, dry, kept below --work. The clips are played as the model's notes are, so that the same sound is on
    both sides. Cases: `words`; FORM: `picture`, `both`, `wrong picture`; and, paired over triplets, `both -
    words` and `both - wrong picture`: below 0 means that the picture helps. `clips` are the triplets' own, `other clips` as many
    others of the same genres: the floor of the distance. Intervals are 95 %, bootstrap over triplets.
    Scores are for all triplets and for each genre of the clips (`by_genre`). Silent sounds are counted, and left out of pairs.

Metrics
    frechet            distance of 48 numbers a sound (`sound_embedding`, mean over its stretches) to those of the clips. Lower is
                       better; comparable within one call and one genre only.
    right_picture      the picture among all n that asks for what a judge reads from the sound (ranks on the plane, as in `measure
                       fit`): top1, top5, mean rank, p by permutation.
    right_words        the caption among all n whose words are read from the sound, by a linear reader fitted on training clips
                       (`word_reader`); `clips` show how well it reads.
    right_clip         the clip among all n whose sound is nearest (cosine of the 48 numbers, means of the sets taken out).
    emotion_error      distance between the emotion that a judge reads from the sound and what the picture asks for, on the plane.
    valence, arousal   rank correlation of the two.
    Each judge is no part of any model, and stands beside its own accuracy: _emopia, _vgmidi.

Source: MeLFusion, arXiv 2406.04673, tables 2 and 3, for the cases; the metrics are ours or of the named files.
"""

from __future__ import annotations

import argparse
from collections import OrderedDict
from pathlib import Path

import numpy as np

from klangbild.errors import UsageError
from klangbild.measure.results import Results, add_output
from klangbild.measure.roll import kept_sounds
from klangbild.measure.roll.held_pairs import Chosen, choose
from klangbild.measure.roll.triplet_scores import Heard, Listener
from klangbild.measure.roll.word_reader import fit_reader
from klangbild.metrics.intervals import Estimate
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.roll.condition import Condition
from klangbild.models.roll.data.clip_table import SoundData
from klangbild.models.roll.data.pairs import SoundPairs
from klangbild.models.roll.model import open_roll
from klangbild.models.roll.synapse import FORMS, RollSynapse, open_synapse

CASES = ("picture", "both", "wrong picture")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure synapse`."""
    parser.add_argument("--form", nargs="+", default=["paper", "released"], metavar="FORM", help=", ".join(FORMS))
    parser.add_argument("--pairs", type=Path, default=Path("data/prepared/sound-pairs.npz"), metavar="FILE.npz")
    parser.add_argument("--sound", type=Path, default=Path("data/prepared/sound.npz"), metavar="FILE.npz")
    parser.add_argument("--notes", type=Path, default=Path("data/prepared/notes.npz"), metavar="FILE.npz")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="the model's files (default: those that ship)")
    parser.add_argument("--n", type=int, default=50, metavar="N", help="held-out triplets (default: 50)")
    parser.add_argument(
        "--read-from", type=int, default=400, metavar="N", help="training clips for the reader of words"
    )
    parser.add_argument("--steps", type=int, default=16, metavar="N", help="of the sampler (default: 16)")
    parser.add_argument("--guidance", type=float, metavar="G", help="default: the model's own")
    parser.add_argument("--work", type=Path, default=Path("runs/sound-fit"), metavar="DIR", help="where sound is kept")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Make what is missing, measure every case, print one table a form."""
    if unknown := [form for form in args.form if form not in FORMS]:
        raise UsageError(f"--form {unknown[0]}: there is no such form; choose from {', '.join(FORMS)}")
    model = open_roll(args.weights)
    synapses = {form: open_synapse(form, args.weights) for form in args.form}
    data, notes = SoundData.load(args.sound), NoteData.load(args.notes)
    chosen = choose(SoundPairs.load(args.pairs), data, args.n, seed=args.seed)
    guidance = model.guidance if args.guidance is None else args.guidance
    listener = _listener(chosen, notes, args)
    results = Results("synapse", seed=args.seed, notes=listener.notes())
    results.sets["clips"] = dict(listener.scores(listener.clips))
    others = kept_sounds.played(data, chosen.others, notes, args.work / "played")
    results.sets["other clips"] = dict(listener.floor(others, chosen.others))

    def heard(way: str, synapse: RollSynapse | None, looked_at: np.ndarray | None, said: bool) -> Heard:
        seen = dict(zip(chosen.rows.tolist(), (chosen.rows if looked_at is None else looked_at).tolist(), strict=True))

        def condition(row: int) -> Condition:
            ids = model.read(chosen.caption(row, seed=args.seed) if said else None).ids
            if synapse is None:
                return model.words(ids)
            return synapse.heard(chosen.levels(seen[row]), *model.tokens(ids), layers=model.layers)

        names = {row: f"{row:05d}" + (f"-{other:05d}" if other != row else "") for row, other in seen.items()}
        sounds = kept_sounds.made(
            model, way, chosen, condition, args.work, part=synapse.sha256 if synapse else "", names=names, guidance=guidance,
            steps=args.steps, seed=args.seed,
        )  # fmt: skip
        return listener.hear(sounds)

    words = heard("triplet-words", None, None, True)
    results.sets["words"] = dict(listener.scores(words))
    for form, synapse in synapses.items():
        found = {
            "picture": heard(f"triplet-{form}-picture", synapse, None, False),
            "both": heard(f"triplet-{form}-both", synapse, None, True),
            "wrong picture": heard(f"triplet-{form}-wrong", synapse, chosen.wrong_rows(seed=args.seed), True),
        }
        for case in CASES:
            results.sets[f"{form}: {case}"] = dict(listener.scores(found[case]))
        for name, other in (("words", words), ("wrong picture", found["wrong picture"])):
            results.sets[f"{form}: both - {name}"] = dict(listener.differences(found["both"], other))
        results.details.setdefault("gates", {})[form] = synapse.gates()
        results.notes.append(f"gates, {form}: {', '.join(f'{share:g}' for share in synapse.gates())}")
    results.details |= {
        "model": model.name, "model_sha256": model.sha256(), "n": len(chosen.rows), "steps": args.steps, "guidance": guidance,
        "reader": {"clips": args.read_from, "words": list(listener.reader.words)},
        "synapse_sha256": {form: synapse.sha256 for form, synapse in synapses.items()},
    }  # fmt: skip
    return _give(results, args)


def _listener(chosen: Chosen, notes: NoteData, args: argparse.Namespace) -> Listener:
    """The reader of words fitted, the triplets' clips heard."""
    data = chosen.data
    training = np.flatnonzero(~data.clip_heldout)
    training = np.sort(np.random.default_rng(args.seed).permutation(training)[: args.read_from])
    raw = kept_sounds.features_of_clips(data, training, notes, args.work)
    clips = kept_sounds.played(data, chosen.clips, notes, args.work / "played")
    return Listener(chosen, fit_reader(data, training, raw), clips, seed=args.seed)


def _give(results: Results, args: argparse.Namespace) -> int:
    """JSON as always; on paper one table a form, since all in one would be too wide to read."""
    if args.out:
        results.save(args.out)
    if args.json:
        print(results.json())
        return 0
    common: OrderedDict[str, dict[str, Estimate]] = OrderedDict(
        (name, scores) for name, scores in results.sets.items() if ":" not in name
    )
    for form in args.form:
        own = {name: scores for name, scores in results.sets.items() if name.startswith(f"{form}: ")}
        print(Results(results.measure, {**common, **own}).table())
        print()
    print("\n".join(f"  {note}" for note in results.notes))
    return 0
