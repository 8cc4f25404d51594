"""`klangbild measure sound-fit`: does the sound model sound like music, and like its picture?

For held-out pairs of picture and clip (`held_pairs`) sound is made in several ways, kept as WAV (`kept_sounds`), and compared with
the clips as they were played. Another model: `--weights DIR`.

Conventions
    Ways: `1`, `4`, `direct` (Art2Mus's projections), `gated`, `paper`, `released` (MeLFusion's synapse), all of them the picture
    alone; `words` (the picture described in words by our emotion model, nothing else), `none` (nothing said); `4+words` (both; the
    other parts too). The noise is the same in all ways, another for each picture.
    Beside them stand `played` (the paired clips themselves), `other corpus` (as many clips of held-out pieces of one set, --other, none of them in the reference; other
    pieces of that set are, as many as `by genre` says, so its distance is rather too small) and `noise` (white, as loud).
    The reference is as many other held-out clips as there are pictures, of the same genres.
    Silent sounds are counted (`silent`) and left out of everything else, with their pictures.

Metrics
    fad_own, auc_sound      see `measure.sound`, against the reference; `played` is the floor (two halves of the held-out clips),
                            `other corpus` the ceiling for music, `noise` that for anything.
    levels                  see `measure.levels`. flatness: mean log10 spectral flatness. pulse: best autocorrelation of the onset
                            strength at 50-200 bpm. onsets: per second. All three from `measure.sound_embedding`.
    valence, arousal        rank correlation of what the pictures ask for with what a judge reads from the sound.
    emotion_*               retrieval (`measure.retrieval`) on minus the distance of ranks on that plane: right against shuffled.
    truth_*                 the same on the cosine of the sound and the clip that is paired with the picture (`sound_embedding`).
    GENRE: frechet, ...     for each genre of the paired clips (`by_genre`): Frechet distance to the reference's clips of it (means
                            over a sound's stretches), and means of what each picture has in emotion_* and truth_*.
"""

from __future__ import annotations

import argparse
from collections import OrderedDict
from functools import partial
from pathlib import Path

import numpy as np

from klangbild.errors import InputError, UsageError
from klangbild.measure import fit
from klangbild.measure.judges.sound_judge import load_sound_judge
from klangbild.measure.results import Results, add_output, give
from klangbild.measure.roll import kept_sounds
from klangbild.measure.roll.by_genre import by_genre, frechet_by_genre, genre_note
from klangbild.measure.roll.held_pairs import OTHER_POOL, Chosen, choose, genres, other_corpus
from klangbild.measure.roll.kept_sounds import Sounds
from klangbild.measure.sound import LEVELS, SoundSet, distances, sound_set
from klangbild.metrics import retrieval
from klangbild.metrics.intervals import Estimate, bootstrap, bootstrap_spearman
from klangbild.metrics.similarity import cosine_rows
from klangbild.metrics.sound_embedding import load_axes
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.roll.caption_words import MAX_WORDS
from klangbild.models.roll.condition import Condition
from klangbild.models.roll.data.clip_table import SoundData
from klangbild.models.roll.data.pairs import SoundPairs
from klangbild.models.roll.describe_emotion import description
from klangbild.models.roll.engine import DEFAULT_STEPS, silent_mask
from klangbild.models.roll.model import RollSound, open_roll
from klangbild.models.roll.projection import VARIANTS, open_projection
from klangbild.models.roll.synapse import FORMS, open_synapse
from klangbild.sound.audio import Audio

JUDGES = ("emopia", "vgmidi")
PARTS = (*VARIANTS, *FORMS)
BOTH = "+words"
WAYS = (*PARTS, "words", "none", *(f"{part}{BOTH}" for part in PARTS))
_FLATNESS, _PULSE, _ONSETS = 90, 112, 113  # places in the raw numbers of `sound_embedding`


def condition_of(model: RollSound, way: str, chosen: Chosen, row: int) -> Condition:
    """What the model listens to for a pair, one way."""
    nothing = [0] * MAX_WORDS
    if way == "none":
        return model.words(nothing)
    described = model.read(description(chosen.emotion(row))).ids
    if way == "words":
        return model.words(described)
    tokens, mask = model.tokens(described if way.endswith(BOTH) else nothing)
    part = way.removesuffix(BOTH)
    if part in FORMS:
        return open_synapse(part, model.folder).heard(chosen.levels(row), tokens, mask, layers=model.layers)
    projection = open_projection(part, model.folder)
    mask = mask if way.endswith(BOTH) else silent_mask(projection, mask)
    embedding = chosen.pairs.views.embedding[row].astype(np.float32)
    return projection.heard(embedding, tokens, mask, layers=model.layers)


def part_of(model: RollSound, way: str) -> str:
    """Hash of the picture part that a way plays, "" for none. Raises UsageError: there is no such way."""
    if way not in WAYS:
        raise UsageError(f"--ways {way}: there is no such way; choose from {', '.join(WAYS)}")
    part = way.removesuffix(BOTH)
    if part in FORMS:
        return open_synapse(part, model.folder).sha256
    return open_projection(part, model.folder).sha256 if part in VARIANTS else ""


def evaluate(
    sounds: SoundSet,
    reference: SoundSet,
    truth: SoundSet,
    asked: np.ndarray,
    *,
    genre: np.ndarray | None = None,
    reference_genre: np.ndarray | None = None,
    seed: int = 0,
) -> OrderedDict:
    """All scores of one way, see above; sounds, truth, asked (n, 2) and genre (n,) in the order of the pictures.

    A sound that is silent is left out with its picture, if the sounds have the names of `truth`'s.

    Raises:
        InputError: a sound could not be read, and it is not clear which.
    """
    n = len(asked)
    present = np.arange(n)
    if len(sounds.raw) != n:
        place = {name: number for number, name in enumerate(truth.names)}
        if not set(sounds.names) <= set(place) or len(sounds.raw) < 2:
            raise InputError(f"{n - len(sounds.raw)} of {n} sounds are silent or damaged; listen to them")
        present = np.array([place[name] for name in sounds.names])
    out: OrderedDict[str, Estimate] = distances(sounds, reference, seed=seed)
    raw = np.array([r.mean(axis=0) for r in sounds.raw])
    out["silent"] = bootstrap(np.r_[np.zeros(len(raw)), np.ones(n - len(raw))])
    for name, place_ in (("flatness", _FLATNESS), ("pulse", _PULSE), ("onsets", _ONSETS)):
        out[name] = bootstrap(raw[:, place_])
    for name in ("loudness_lufs", "silent_share"):
        out[name] = bootstrap(sounds.levels[:, LEVELS.index(name)])
    rows: dict[str, np.ndarray] = {}
    for judge_name in JUDGES:
        judge = load_sound_judge(judge_name)
        read = np.array([judge.read(r) for r in sounds.raw])
        for axis, name in enumerate(("valence", "arousal")):
            out[f"{name}_{judge_name}"] = bootstrap_spearman(asked[present, axis], read[:, axis], seed=seed)
        scores = fit.emotion_scores(asked[present], read)["emotion_ranked"]
        out |= _retrieved(f"emotion_{judge_name}", scores, rows, seed)
    axes = load_axes()
    mine, theirs = (np.array([axes.turn(r).mean(axis=0) for r in s.raw]) for s in (sounds, truth))
    heard = theirs[present]
    own = heard - heard.mean(axis=0)  # what all clips share says nothing of a picture
    m = len(mine)
    pairs = cosine_rows(np.repeat(own, m, axis=0), np.tile(mine - mine.mean(axis=0), (m, 1))).reshape(m, m)
    out |= _retrieved("truth", pairs, rows, seed)
    if genre is not None and reference_genre is not None:
        real = np.array([axes.turn(r).mean(axis=0) for r in reference.raw])
        out |= frechet_by_genre(mine, genre[present], real, reference_genre, seed=seed)
        out |= by_genre(rows, genre[present], seed=seed)
    return out


def _retrieved(name: str, scores: np.ndarray, rows: dict[str, np.ndarray], seed: int) -> dict[str, Estimate]:
    """Scores of a table (pictures, sounds); what single pictures have goes to `rows`, for the genres."""
    n = len(scores)
    own = np.diagonal(scores)
    rows[f"{name}_advantage"] = own - (scores.sum(axis=1) - own) / (n - 1)
    rows[f"{name}_mean_rank"] = retrieval.ranks(scores)
    return {f"{name}_{key}": value for key, value in retrieval.evaluate(scores, seed=seed).items()}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure sound-fit`."""
    parser.add_argument("--pairs", type=Path, default=Path("data/prepared/sound-pairs.npz"), metavar="FILE.npz")
    parser.add_argument("--data", type=Path, default=Path("data/prepared/sound.npz"), metavar="FILE.npz")
    parser.add_argument("--notes", type=Path, default=Path("data/prepared/notes.npz"), metavar="FILE.npz")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="the model's files (default: those that ship)")
    parser.add_argument("--ways", nargs="+", default=[*VARIANTS, "words", "none"], metavar="WAY", help=", ".join(WAYS))
    parser.add_argument("--pictures", type=int, default=50, metavar="N", help="held-out pairs (default: 50)")
    parser.add_argument("--guidance", type=float, metavar="G", help="default: the model's own")
    parser.add_argument("--steps", type=int, default=DEFAULT_STEPS)
    parser.add_argument("--work", type=Path, default=Path("runs/sound-fit"), metavar="DIR", help="where sound is kept")
    parser.add_argument(
        "--other", default=OTHER_POOL, metavar="SET", help=f"set of notes for `other corpus` (default: {OTHER_POOL})"
    )
    parser.add_argument("--seed", type=int, default=0)
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Make what is missing, measure every way, print."""
    model = open_roll(args.weights)
    parts = {way: part_of(model, way) for way in args.ways}
    guidance = model.guidance if args.guidance is None else args.guidance
    data, notes = SoundData.load(args.data), NoteData.load(args.notes)
    chosen = choose(SoundPairs.load(args.pairs), data, args.pictures, seed=args.seed)
    n = len(chosen.rows)
    plans = other_corpus(chosen, notes, n, pool=args.other, seed=args.seed)
    clips = _named(chosen, kept_sounds.played(data, chosen.clips, notes, args.work / "played"))
    truth = sound_set(clips)
    reference = sound_set(kept_sounds.played(data, chosen.others, notes, args.work / "played"))
    other = kept_sounds.first_that_sound(plans, n, notes, args.work / f"other-{args.other}")
    sets: dict[str, Sounds] = {
        way: kept_sounds.made(
            model, way, chosen, partial(condition_of, model, way, chosen), args.work, part=part, guidance=guidance,
            steps=args.steps, seed=args.seed,
        )
        for way, part in parts.items()
    }  # fmt: skip
    sets["other corpus"] = _named(chosen, other)
    rng = np.random.default_rng(args.seed)
    sets["noise"] = [
        (name, Audio(0.05 * rng.standard_normal(a.samples.shape).astype(np.float32), a.rate)) for name, a in clips
    ]
    results = Results("sound-fit", seed=args.seed)
    results.notes = [load_sound_judge(name).accuracy for name in JUDGES]
    score = partial(
        evaluate, reference=reference, truth=truth, asked=chosen.asked, genre=chosen.genre,
        reference_genre=genres(data, chosen.others), seed=args.seed,
    )  # fmt: skip
    for name, sounds in sets.items():
        results.sets[name] = dict(score(sound_set(sounds)))
    results.sets["played"] = dict(score(truth))
    results.notes += [
        f"{n} pictures; chance: top1 {1 / n:.3f}, top5 {min(5 / n, 1):.3f}, mean rank {(n + 1) / 2:.1f}",
        genre_note(chosen.genre),
        f"other corpus: held-out pieces of {args.other}",
        "pairs are matched by construction; the clips' own emotions are pseudo-labels",
    ]
    results.details = {
        "model": model.name, "model_sha256": model.sha256(), "guidance": guidance, "steps": args.steps, "part_sha256": parts,
    }  # fmt: skip
    return give(results, args)


def _named(chosen: Chosen, sounds: Sounds) -> Sounds:
    """Sounds in the order of the pairs, called as those that are made for them."""
    return [(f"{row:05d}", audio) for row, (_, audio) in zip(chosen.rows.tolist(), sounds, strict=True)]
