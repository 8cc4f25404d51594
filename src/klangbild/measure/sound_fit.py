"""`klangbild measure sound-fit`: does the small sound model sound like music, and like its picture?

For held-out pairs of picture and clip (`data/small_pairs`) sound is made in several ways, kept as WAV, and compared with the
clips as they were played.

Conventions
    Ways: `1`, `4`, `direct` (Art2Mus's projections), `gated`, `paper`, `released` (MeLFusion's synapse, picture only), `words`
    (the picture described in words by our emotion model, nothing else), `none` (nothing said), `4+words` (both; 1, direct too). The noise is the same in all
    ways, another for each picture.
    Beside them stand `played` (the paired clips themselves), `vocoder` (those clips through latent and vocoder: the best that
    the chain can do) and `noise` (white, as loud). The reference is as many other held-out clips as there are pictures.

Metrics
    fad_own, auc_sound      see `measure.sound`, against the reference; `played` is the floor, `noise` the ceiling.
    levels                  see `measure.levels`. flatness: mean log10 spectral flatness. pulse: best autocorrelation of the onset
                            strength at 50-200 bpm. onsets: per second. All three from `measure.sound_embedding`.
    valence, arousal        rank correlation of what the pictures ask for with what a judge reads from the sound.
    emotion_*               retrieval (`measure.retrieval`) on minus the distance of ranks on that plane: right against shuffled.
    truth_*                 the same on the cosine of the sound and the clip that is paired with the picture (`sound_embedding`).
"""

from __future__ import annotations

import argparse
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from klangbild.data.note_data import NoteData
from klangbild.data.small_pairs import SoundPairs
from klangbild.data.sound_clips import CLIP_S, CLIP_SAMPLES, render_clip
from klangbild.data.sound_data import SoundData
from klangbild.diffusion.small_condition import Condition
from klangbild.diffusion.small_description import description
from klangbild.diffusion.small_engine import DEFAULT_STEPS, silent_mask
from klangbild.diffusion.small_latent import RATE, from_int8
from klangbild.diffusion.small_model import Asked, SmallModel, SmallSound, open_small_sound
from klangbild.diffusion.small_projection import VARIANTS, open_projection
from klangbild.diffusion.small_words import MOST_WORDS
from klangbild.emotion.space import Emotion
from klangbild.errors import InputError, UsageError
from klangbild.measure import fit, retrieval
from klangbild.measure.intervals import Estimate, bootstrap, bootstrap_spearman
from klangbild.measure.results import Results, add_output, give, progress
from klangbild.measure.similarity import cosine_rows
from klangbild.measure.sound import LEVELS, SoundSet, distances, sound_set
from klangbild.measure.sound_embedding import load_axes
from klangbild.measure.sound_judge import load_sound_judge
from klangbild.sound.audio import Audio
from klangbild.sound.files import read_audio
from klangbild.sound.fonts import find_soundfont

SYNAPSES = ("gated", "paper", "released")
BOTH = "+words"
WAYS = (*VARIANTS, *SYNAPSES, "words", "none", *(f"{variant}{BOTH}" for variant in VARIANTS))
_FLATNESS, _PULSE, _ONSETS = 90, 112, 113  # places in the raw numbers of `sound_embedding`


@dataclass(frozen=True)
class Chosen:
    """rows: held-out pairs to make sound for; others: clips of the reference, none of them paired with these pictures."""

    pairs: SoundPairs
    data: SoundData
    rows: np.ndarray
    others: np.ndarray

    @property
    def asked(self) -> np.ndarray:
        """(n, 2) valence and arousal that the pictures ask for."""
        return self.pairs.views.asked[self.rows].astype(np.float64)


def choose(pairs: SoundPairs, data: SoundData, n: int, *, seed: int = 0) -> Chosen:
    """n held-out pairs and n other held-out clips. Raises InputError: there are fewer than 2 n held-out clips."""
    held = np.flatnonzero(pairs.heldout)
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(held)[:n])
    free = np.setdiff1d(np.flatnonzero(data.clip_heldout), pairs.clip[rows])
    if len(rows) < n or len(free) < n:
        raise InputError(f"{n} pictures need {2 * n} held-out clips; give fewer with --pictures, or prepare more sound")
    return Chosen(pairs, data, rows, np.sort(rng.permutation(free)[:n]))


def condition_of(model: SmallModel, way: str, chosen: Chosen, row: int) -> Condition:
    """What the model listens to for a pair, one way. Raises UsageError: unknown way."""
    nothing = [0] * MOST_WORDS
    if way == "none":
        return model.words(nothing)
    described = model.read(description(Emotion(*(float(v) for v in chosen.pairs.views.asked[row])))).ids
    if way == "words":
        return model.words(described)
    tokens, mask = model.tokens(described if way.endswith(BOTH) else nothing)
    if way.removesuffix(BOTH) in VARIANTS:
        part = open_projection(way.removesuffix(BOTH), model.folder)
        embedding = chosen.pairs.views.embedding[row].astype(np.float32)
        mask = mask if way.endswith(BOTH) else silent_mask(part, mask)
        return part.heard(embedding, tokens, mask, layers=model.layers)
    if way in SYNAPSES:
        from klangbild.diffusion.small_synapse import open_synapse

        levels = [level[0] for level in chosen.pairs.levels(np.array([row]))]
        return open_synapse(way, model.folder).heard(levels, tokens, mask, layers=model.layers)
    raise UsageError(f"--ways {way}: there is no such way; choose from {', '.join(WAYS)}")


def made(
    model: SmallModel, way: str, chosen: Chosen, work: Path, *, guidance: float, steps: int, seed: int
) -> list[tuple[str, Audio]]:
    """Sound for every chosen picture, from `work` where it is there already."""
    from klangbild.sound.files import write_audio

    folder = work / f"{way}-g{guidance:g}-n{steps}-s{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    negative = model.words([0] * MOST_WORDS)
    out = []
    for number, row in enumerate(progress(chosen.rows.tolist(), text=way)):
        path = folder / f"{row:05d}.wav"
        if not path.is_file():
            asked = Asked(CLIP_S, Emotion(*(float(v) for v in chosen.pairs.views.asked[row])))
            latents = model.make(
                condition_of(model, way, chosen, row), negative, np.random.default_rng([seed, number]), asked, steps=steps,
                guidance=guidance,
            )  # fmt: skip
            sound = model.sound(latents, np.random.default_rng([seed, number, 1]))[:CLIP_SAMPLES]
            write_audio(path, _as_audio(np.pad(sound, (0, CLIP_SAMPLES - len(sound)))))
        out.append((path.stem, read_audio(path)))
    return out


def played(chosen: Chosen, clips: np.ndarray, notes: NoteData, work: Path) -> list[tuple[str, Audio]]:
    """The clips themselves, rendered from their plans; kept in `work`. Raises InputError: one does not sound."""
    from klangbild.sound.files import write_audio

    work.mkdir(parents=True, exist_ok=True)
    font, out = find_soundfont(None), []
    for clip in progress(clips.tolist(), text=work.name):
        path = work / f"{clip:05d}.wav"
        if not path.is_file():
            rendered = render_clip(notes, chosen.data.plan(clip), font)
            if rendered is None:
                raise InputError(f"clip {clip} does not sound; are these the notes that the sound was prepared from?")
            write_audio(path, _as_audio(rendered.sound))
        out.append((path.stem, read_audio(path)))
    return out


def evaluate(
    sounds: SoundSet, reference: SoundSet, truth: SoundSet, asked: np.ndarray, *, seed: int = 0
) -> OrderedDict:
    """All scores of one way, see above; sounds, truth and asked (n, 2) in the order of the pictures.

    Raises:
        InputError: a sound could not be read, so that the order is lost.
    """
    if len(sounds.raw) != len(asked):
        raise InputError(f"{len(asked) - len(sounds.raw)} of {len(asked)} sounds are silent or damaged; listen to them")
    out: OrderedDict[str, Estimate] = distances(sounds, reference, seed=seed)
    raw = np.array([r.mean(axis=0) for r in sounds.raw])
    for name, place in (("flatness", _FLATNESS), ("pulse", _PULSE), ("onsets", _ONSETS)):
        out[name] = bootstrap(raw[:, place])
    for name in ("loudness_lufs", "silent_share"):
        out[name] = bootstrap(sounds.levels[:, LEVELS.index(name)])
    for judge_name in ("emopia", "vgmidi"):
        judge = load_sound_judge(judge_name)
        read = np.array([judge.read(r) for r in sounds.raw])
        for axis, name in enumerate(("valence", "arousal")):
            out[f"{name}_{judge_name}"] = bootstrap_spearman(asked[:, axis], read[:, axis], seed=seed)
        scores = retrieval.evaluate(fit.emotion_scores(asked, read)["emotion_ranked"], seed=seed)
        out |= {f"emotion_{judge_name}_{name}": value for name, value in scores.items()}
    axes = load_axes()
    mine, theirs = (np.array([axes.turn(r).mean(axis=0) for r in s.raw]) for s in (sounds, truth))
    n = len(mine)
    middle = theirs.mean(axis=0)  # what all clips share says nothing of a picture
    pairs = cosine_rows(np.repeat(theirs - middle, n, axis=0), np.tile(mine - mine.mean(axis=0), (n, 1)))
    for name, value in retrieval.evaluate(pairs.reshape(n, n), seed=seed).items():
        out[f"truth_{name}"] = value
    return out


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
    parser.add_argument("--seed", type=int, default=0)
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Make what is missing, measure every way, print."""
    model = open_small_sound(args.weights)
    guidance = args.guidance or model.guidance
    data = SoundData.load(args.data)
    chosen = choose(SoundPairs.load(args.pairs), data, args.pictures, seed=args.seed)
    notes = NoteData.load(args.notes)
    paired = chosen.pairs.clip[chosen.rows]
    clips = played(chosen, paired, notes, args.work / "played")
    truth = sound_set(clips)
    reference = sound_set(played(chosen, chosen.others, notes, args.work / "reference"))
    sets: dict[str, list[tuple[str, Audio]]] = {
        way: made(model, way, chosen, args.work, guidance=guidance, steps=args.steps, seed=args.seed)
        for way in args.ways
    }
    if isinstance(model, SmallSound):
        sets["vocoder"] = [
            (str(c), _as_audio(model.sound(from_int8(data.latents[c]), np.random.default_rng(c))))
            for c in paired.tolist()
        ]
    rng = np.random.default_rng(args.seed)
    sets["noise"] = [
        (n, Audio(0.05 * rng.standard_normal(a.samples.shape).astype(np.float32), a.rate)) for n, a in clips
    ]
    results = Results("sound-fit", seed=args.seed)
    results.notes = [load_sound_judge(name).accuracy for name in ("emopia", "vgmidi")]
    for name, sounds in sets.items():
        results.sets[name] = dict(evaluate(sound_set(sounds), reference, truth, chosen.asked, seed=args.seed))
    results.sets["played"] = dict(evaluate(truth, reference, truth, chosen.asked, seed=args.seed))
    n = len(chosen.rows)
    results.notes.append(f"{n} pictures; chance: top1 {1 / n:.3f}, top5 {5 / n:.3f}, mean rank {(n + 1) / 2:.1f}")
    results.notes.append("pairs are matched by construction; the clips' own emotions are pseudo-labels")
    return give(results, args)


def _as_audio(mono: np.ndarray) -> Audio:
    return Audio(np.asarray(mono, np.float32)[None], RATE)
