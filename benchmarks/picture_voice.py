"""Does a piece depend on its picture where the feeling is the same? And which way?

    python benchmarks/picture_voice.py --data DIR [--fitted 80] [--pictures 50] [--picture-weight 1] [--seconds 20]

Pictures of `wikiart` and `photos`, none of which the traits' places were fitted on. Each becomes a piece at one fixed valence and
arousal, one seed. Told: the rank correlation of each trait with what it should move, with its sign; and, by a reader (ridge from
what is heard to the traits) fitted on the first pictures, the mean rank of each other picture among all others, from its music.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import binomtest, spearmanr

from klangbild.emotion.space import Emotion
from klangbild.emotion.training.data.pictures import read_set
from klangbild.emotion.training.fit_traits import sample
from klangbild.metrics import retrieval
from klangbild.models.bars.language import BarsLanguage
from klangbild.models.bars.section_attributes import NAMES, raw_attributes
from klangbild.models.bars.weights import load_notes_model
from klangbild.picture.traits import voice_of
from klangbild.picture.voice import TRAITS, Voice
from klangbild.settings import Settings

WARM, COOL = ("guitar", "strings", "brass", "organ"), ("mallet", "winds", "pad", "lead")
CLAIMS = (
    ("height", "pitch", 1), ("height", "top_pitch", 1), ("fineness", "notes_per_beat", 1), ("fineness", "duration", -1),
    ("smoothness", "duration", 1), ("things", "players", 1), ("symmetry", "alike_1", 1), ("symmetry", "alike_4", 1),
    ("warmth", "warm players", 1),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--fitted", type=int, default=80)
    parser.add_argument("--pictures", type=int, default=50)
    parser.add_argument("--picture-weight", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--valence", type=float, default=0.1)
    parser.add_argument("--arousal", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=5)
    asked = parser.parse_args()
    voices = voices_of(asked.data, asked.fitted + asked.pictures, asked.seed)
    engine, language = load_notes_model(None, "continuous_concat"), BarsLanguage()
    settings = Settings(seconds=asked.seconds, picture_weight=asked.picture_weight)
    emotion = Emotion(asked.valence, asked.arousal)
    heard, tops = [], []
    for voice in voices:
        piece = engine.compose(emotion, settings, voice.keyed(asked.seed), voice=voice).piece
        heard.append(raw_attributes(language.encode(piece)[1:-1]))
        tops.append(top_line(piece))
    traits = np.array([voice.traits.places for voice in voices])
    skylines = np.array([voice.traits.skyline for voice in voices])
    heard, tops = np.nan_to_num(np.array(heard, np.float64)), np.array(tops)
    tell_claims(traits, heard)
    tell_skyline(skylines, tops)
    n = asked.fitted
    music, seen = np.hstack([heard, tops]), np.hstack([traits, skylines])
    read, spread = fitted_reader(music[:n], seen[:n])
    away = (((read(music[n:])[:, None] - seen[None, n:]) / spread) ** 2).sum(axis=2)
    for name, found in retrieval.evaluate(-away.T).items():
        print(f"{name:12s} {found}")


def voices_of(data: Path, n: int, seed: int) -> list[Voice]:
    """Voices of n pictures that no place was fitted on: half paintings, half photographs, mixed."""
    rng, found = np.random.default_rng(seed), []
    for set_name, count in (("wikiart", n - n // 2), ("photos", n // 2)):
        files = sample(data, set_name, rest=True)
        chosen = sorted(rng.choice(len(files), count, replace=False))
        found += [voice_of(picture) for _, picture in read_set(data, set_name, [files[i] for i in chosen])]
    return [found[i] for i in rng.permutation(n)]


def top_line(piece) -> np.ndarray:
    """(8,) the highest pitch that begins in each eighth of the first two bars, less their mean; drums and bass left out."""
    starts = piece.bar_starts()
    width = (starts[2] if len(starts) > 2 else piece.length_beats) / 8
    notes = [note for track in piece.tracks if track.family not in ("drums", "bass") for note in track.notes]
    top = np.array(
        [
            max((note["pitch"] for note in notes if i * width <= note["onset"] < (i + 1) * width), default=np.nan)
            for i in range(8)
        ],
        np.float64,
    )
    return np.nan_to_num(top - np.nanmean(top)) if np.isfinite(top).any() else np.zeros(8)


def tell_claims(traits: np.ndarray, heard: np.ndarray) -> None:
    """Prints a line for each of `CLAIMS`: traits (n, 6), heard (n, attributes)."""
    plays = {name: heard[:, NAMES.index(name)] > 0 for name in (*WARM, *COOL)}
    columns = {name: heard[:, i] for i, name in enumerate(NAMES)}
    columns["players"] = (heard[:, :11] > 0).sum(axis=1)
    columns["warm players"] = sum(plays[n].astype(int) for n in WARM) - sum(plays[n].astype(int) for n in COOL)
    for trait, name, sign in CLAIMS:
        rho, p = spearmanr(traits[:, TRAITS.index(trait)], columns[name])
        print(f"{trait:11s} -> {name:15s} {rho:+.2f} ({'as' if rho * sign > 0 else 'NOT as'} meant)  p {p:.1e}")


def tell_skyline(skylines: np.ndarray, tops: np.ndarray) -> None:
    """Prints how the opening's top line goes with the skyline, over pictures that have one: both (n, 8)."""
    swing = np.abs(skylines).max(axis=1) > 0.3
    along = [spearmanr(s, t).statistic for s, t in zip(skylines[swing], tops[swing], strict=True) if np.ptp(t) > 0]
    along = [value for value in along if np.isfinite(value)]
    better = int((np.array(along) > 0).sum())
    p = binomtest(better, len(along), 0.5, alternative="greater").pvalue
    print(
        f"skyline     -> top line        {np.mean(along):+.2f} mean within a piece, above 0 in {better} of {len(along)}, p {p:.1e}"
    )


def fitted_reader(music: np.ndarray, seen: np.ndarray, penalty: float = 30.0):
    """Ridge from music (n, a) to what is seen (n, b): a function (m, a) -> (m, b), and the spread (b,) of its errors."""
    middle, spread, mean = music.mean(axis=0), music.std(axis=0) + 1e-6, seen.mean(axis=0)

    def fit(rows: np.ndarray):
        z = (music[rows] - middle) / spread
        weights = np.linalg.solve(z.T @ z + penalty * np.eye(z.shape[1]), z.T @ (seen[rows] - mean))
        return lambda asked: (asked - middle) / spread @ weights + mean

    n, folds = len(music), 5
    errors = np.zeros_like(seen)
    for fold in range(folds):
        held = np.arange(n) % folds == fold
        errors[held] = seen[held] - fit(np.flatnonzero(~held))(music[held])
    return fit(np.arange(n)), errors.std(axis=0) + 1e-6


if __name__ == "__main__":
    main()
