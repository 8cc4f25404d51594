"""`klangbild measure synapse`: does the picture help the small sound model beside the words? MeLFusion's ablation.

Held-out triplets of picture, words without feelings, and clip. For each synapse form the model plays from the words, from the
picture, from both, and from the words with another triplet's picture; the noise of a triplet is the same each time.

Conventions
    Sounds are 10.24 s, from latents through the vocoder; the clips themselves go through the vocoder as well, so that its
    sound is on both sides. Intervals are 95 %, bootstrap over triplets; differences are paired.

Metrics
    frechet            distance of 48 numbers a sound (`sound_embedding`, mean over its stretches) to those of the clips, with
                       the clips of other held-out pieces as floor. Lower is better; comparable within one call only.
    right_picture      the picture among all whose asked emotion is nearest to the emotion read from the sound: top1, top5, rank.
    right_clip         the clip among all whose sound is nearest (cosine of the 48 numbers): right words and picture at once.
    emotion_error      distance between the emotion read from the sound by the judge and the picture's, on the plane (-1..1);
                       the judge is no part of any model, and stands beside its own accuracy.

Source: MeLFusion, arXiv 2406.04673, tables 2 and 3, for the cases; the metrics are ours or of the named files.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from klangbild.errors import EXIT_OK, InputError, NotAvailableError

CASES = ("words", "picture", "both", "both_shuffled")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--form", nargs="+", default=["paper", "released"], metavar="FORM")
    parser.add_argument("--pairs", type=Path, default=Path("data/prepared/sound-pairs.npz"), metavar="FILE.npz")
    parser.add_argument("--sound", type=Path, default=Path("data/prepared/sound.npz"), metavar="FILE.npz")
    parser.add_argument("--n", type=int, default=50, metavar="N", help="held-out triplets (default: 50)")
    parser.add_argument("--steps", type=int, default=16, metavar="N", help="of the sampler (default: 16)")
    parser.add_argument("--guidance", type=float, default=3.5, metavar="G", help="default: 3.5")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="folder of the model (default: what ships)")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE.json", help="also write the numbers there")


def run(args: argparse.Namespace) -> int:
    found = measure(
        args.pairs, args.sound, forms=args.form, n=args.n, steps=args.steps, guidance=args.guidance, seed=args.seed,
        folder=args.weights,
    )  # fmt: skip
    for name, scores in found["cases"].items():
        print(name)
        for metric, value in scores.items():
            print(f"  {metric:<28}{_told(value)}")
    print(found["judge"])
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(args.out)
    return EXIT_OK


def measure(
    pairs_file: Path,
    sound_file: Path,
    *,
    forms: list[str],
    n: int,
    steps: int,
    guidance: float,
    seed: int = 0,
    folder: Path | None = None,
) -> dict[str, Any]:
    """All cases of all forms. Raises InputError: too few held-out pairs. NotAvailableError: a part is not there."""
    from klangbild.data.small_pairs import SoundPairs
    from klangbild.data.sound_captions import caption
    from klangbild.data.sound_data import SoundData
    from klangbild.diffusion.small_condition import Condition
    from klangbild.diffusion.small_latent import from_int8
    from klangbild.diffusion.small_model import open_small_sound
    from klangbild.diffusion.small_sampler import sample
    from klangbild.diffusion.small_synapse import open_synapse
    from klangbild.measure.sound_judge import load_sound_judge

    model, judge = open_small_sound(folder), load_sound_judge()
    pairs, data = SoundPairs.load(pairs_file), SoundData.load(sound_file)
    rows = np.flatnonzero(pairs.heldout)
    if len(rows) < max(n, 4) or n < 4:
        raise InputError(f"{pairs_file}: has {len(rows)} held-out pairs; --n must be 4 or more and not above that")
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, n).astype(int))]
    rng = np.random.default_rng(seed)
    texts = [caption(data, int(c), rng, feelings=0.0) for c in pairs.clip[rows]]
    levels = [level[np.arange(len(rows))] for level in pairs.levels(rows)]
    others = _others(pairs.views.asked[rows].astype(float), rng)
    silent = model.words([0] * 12)

    def sound(condition: Condition, i: int) -> np.ndarray:
        latents = sample(
            model, condition, silent, np.random.default_rng([seed, i]), n_latents=160, channels=model.channels,
            steps=steps, guidance=guidance,
        )  # fmt: skip
        return _heard(model.sound(latents, np.random.default_rng([seed, i, 1])))

    asked = pairs.views.asked[rows].astype(float)
    clips = [
        _heard(model.sound(from_int8(data.latents[c]), np.random.default_rng([seed, 2]))) for c in pairs.clip[rows]
    ]
    rest = np.setdiff1d(np.flatnonzero(data.clip_heldout), pairs.clip[rows])[:n]
    floor = [_heard(model.sound(from_int8(data.latents[c]), np.random.default_rng([seed, 2]))) for c in rest]
    reference = _Reference(clips, asked, judge)
    cases: OrderedDict[str, Any] = OrderedDict()
    cases["the clips themselves"] = reference.scores(clips)
    if len(floor) > 3:
        cases["clips of other pieces"] = {"frechet": reference.frechet(floor)}
    made = [sound(model.words(model.read(text).ids), i) for i, text in enumerate(texts)]
    cases["words"] = reference.scores(made)
    words_errors = reference.errors(made)
    for form in forms:
        synapse = open_synapse(form, folder)
        for case in CASES[1:]:
            made = []
            for i, text in enumerate(texts):
                tokens, mask = model.tokens(model.read(None if case == "picture" else text).ids)
                seen = others[i] if case == "both_shuffled" else i
                condition = synapse.heard([level[seen] for level in levels], tokens, mask, layers=model.layers)
                made.append(sound(condition, i))
            scores = reference.scores(made)
            scores["emotion_error_minus_words"] = reference.paired(reference.errors(made) - words_errors)
            cases[f"{form}: {case}"] = scores
            print(f"{form} {case}: done", file=sys.stderr, flush=True)
        cases[f"{form}: gates"] = {"gates": synapse.gates()}
    return {
        "n": len(rows), "steps": steps, "guidance": guidance, "seed": seed, "cases": _plain(cases),
        "judge": judge.accuracy,
    }  # fmt: skip


class _Reference:
    """The clips of the triplets and the pictures' emotions, to measure sounds against."""

    def __init__(self, clips: list[np.ndarray], asked: np.ndarray, judge: Any) -> None:
        from klangbild.measure.sound_embedding import load_axes

        self.axes, self.judge, self.asked = load_axes(), judge, asked
        self.vectors = self.embedded(clips)

    def embedded(self, raw: list[np.ndarray]) -> np.ndarray:
        return np.stack([self.axes.turn(one).mean(axis=0) for one in raw])

    def errors(self, raw: list[np.ndarray]) -> np.ndarray:
        read = np.stack([self.judge.read(one) for one in raw])
        return np.linalg.norm(read - self.asked, axis=1)

    def paired(self, differences: np.ndarray) -> Any:
        from klangbild.measure.intervals import bootstrap

        return bootstrap(differences)

    def frechet(self, raw: list[np.ndarray]) -> Any:
        from klangbild.measure.frechet import frechet_distance
        from klangbild.measure.intervals import Estimate, centred_interval

        mine = self.embedded(raw)
        value = frechet_distance(mine, self.vectors)
        rng = np.random.default_rng(0)
        drawn = [frechet_distance(_again(mine, rng), _again(self.vectors, rng)) for _ in range(200)]
        return Estimate(value, *centred_interval(value, np.array(drawn)), len(mine))

    def scores(self, raw: list[np.ndarray]) -> dict[str, Any]:
        from klangbild.measure.intervals import bootstrap
        from klangbild.measure.retrieval import evaluate

        read = np.stack([self.judge.read(one) for one in raw])
        mine = self.embedded(raw)
        near = -np.linalg.norm(self.asked[:, None] - read[None], axis=2)
        a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (self.vectors, mine))
        out: dict[str, Any] = {"frechet": self.frechet(raw), "emotion_error": bootstrap(self.errors(raw))}
        for axis, name in enumerate(("valence", "arousal")):
            both = np.column_stack([read[:, axis], self.asked[:, axis]])
            out[f"{name}_correlation"] = bootstrap(both, _correlation)
        for name, table in (("right_picture", near), ("right_clip", a @ b.T)):
            found = evaluate(table, shuffles=1999)
            out |= {f"{name}_{k}": found[k] for k in ("top1", "top5", "mean_rank", "mean_rank_p")}
        return out


def _again(vectors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As many rows, drawn with replacement."""
    return vectors[rng.integers(0, len(vectors), len(vectors))]


def _correlation(rows: np.ndarray) -> float:
    if rows.std(axis=0).min() < 1e-9:
        return float("nan")
    return float(np.corrcoef(rows.T)[0, 1])


def _others(asked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each picture another one: a random cycle through all."""
    order = rng.permutation(len(asked))
    other = np.empty(len(asked), int)
    other[order] = np.roll(order, 1)
    return other


def _heard(sound: np.ndarray) -> np.ndarray:
    """Mono samples -> raw numbers of the sound embedding (stretches, 120)."""
    from klangbild.measure.sound_embedding import raw_features
    from klangbild.sound.audio import Audio

    if float(np.abs(sound).max()) < 1e-4:
        raise NotAvailableError("the model played silence; train it longer")
    return raw_features(Audio(sound[None].astype(np.float32), 16_000))


def _plain(cases: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {k: v.as_dict() if hasattr(v, "as_dict") else v for k, v in scores.items()}
        for name, scores in cases.items()
    }


def _told(value: Any) -> str:
    if isinstance(value, dict):
        parts = [value["value"], value["low"], value["high"]]
        if parts[1] is None:
            return f"{parts[0]:.4g}" if parts[0] is not None else "not defined"
        return f"{parts[0]:.3f} [{parts[1]:.3f}, {parts[2]:.3f}]"
    return str(value)
