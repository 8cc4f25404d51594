"""Does the music follow the asked emotion? A 5 x 5 grid of valence and arousal, read back from the notes.

    python benchmarks/steering.py [--seeds 4] [--seconds 20] [--guidance G] [--conditioning MODE]

Printed: Spearman of what was asked with plain features of what came out (no judge, no fitted weights): tempo x density and
loudness for arousal; share of major keys, by the key that fits the notes best, for valence; with bootstrap intervals over
pieces, and the cross terms.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.stats import spearmanr

from klangbild.emotion.space import Emotion
from klangbild.models.bars.engine import compose_notes
from klangbild.models.bars.runtime import load
from klangbild.models.bars.weights import load_notes_model
from klangbild.music.fit import read_back
from klangbild.music.key import estimate_key
from klangbild.settings import Settings

GRID = (-0.8, -0.4, 0.0, 0.4, 0.8)
COLUMNS = (
    "tempo x density",
    "tempo",
    "notes per second",
    "velocity",
    "major by ear",
    "major written",
    "valence read",
    "arousal read",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--conditioning", default="continuous_concat")
    parser.add_argument("--weights", help="another .onnx than the shipped one")
    arguments = parser.parse_args()
    weights = arguments.weights
    model = load(weights) if weights else load_notes_model(None, arguments.conditioning).model
    settings = Settings(seconds=arguments.seconds, guidance=arguments.guidance, conditioning=arguments.conditioning)
    asked, read = [], []
    for row, valence in enumerate(GRID):
        for column, arousal in enumerate(GRID):
            for seed in range(arguments.seeds):
                piece = compose_notes(
                    Emotion(valence, arousal), settings, 10_000 * seed + 100 * row + column, model=model
                ).piece
                # by ear: as if the written key were not known
                ear = estimate_key(piece).mode == "major"
                rate = piece.n_notes / piece.seconds
                velocity = np.concatenate([t.notes["velocity"] for t in piece.tracks]).mean()
                bpm = piece.tempos[0][1]
                asked.append((valence, arousal))
                read.append((bpm * rate, bpm, rate, velocity, ear, piece.key.mode == "major", *read_back(piece)))
    asked, read = np.array(asked), np.array(read, float)
    rng = np.random.default_rng(0)
    resamples = rng.integers(0, len(asked), (1000, len(asked)))
    print(
        f"{len(asked)} pieces of {arguments.seconds:g} s, guidance {arguments.guidance or 'default'}, {arguments.conditioning}"
    )
    print(f"{'':18} {'~ valence':>24} {'~ arousal':>24}   mean at the five arousals / valences")
    for index, name in enumerate(COLUMNS):
        cells = []
        for axis in range(2):
            whole = spearmanr(asked[:, axis], read[:, index])[0]
            boot = [spearmanr(asked[r, axis], read[r, index])[0] for r in resamples]
            low, high = np.nanpercentile(boot, [2.5, 97.5])
            cells.append(f"{whole:+.2f} [{low:+.2f}, {high:+.2f}]")
        means = [[read[asked[:, axis] == value, index].mean() for value in GRID] for axis in (1, 0)]
        text = " / ".join(" ".join(f"{m:.4g}" for m in part) for part in means)
        print(f"{name:18} {cells[0]:>24} {cells[1]:>24}   {text}")


if __name__ == "__main__":
    main()
