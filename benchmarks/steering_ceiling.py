"""What real music would score in `measure steering`: sections of training bands, drawn by their labels.

    python benchmarks/steering_ceiling.py [--data data/prepared/notes-novgmidi.npz] [--each 80]

A composer that played real sections whose label is what was asked could not do better by much: what is missing from 1, and
the cross-talk, are the labels' and the judges' own. Sections are drawn near each of the 25 points of the grid (standard deviation
`section_plan.NEARNESS` on both axes; it also looks at what the attributes tell, and further away where too few pieces are near) and
read by both judges; with data made by `--exclude-labels vgmidi` the judge `vgmidi` shares no
rating with the labels.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.measure.steering import GRID, evaluate
from klangbild.metrics.emotion_judge import JUDGES, load_judge
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.section_plan import NEARNESS
from klangbild.music.section_features import FEATURES

MIN_IDS = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data/prepared/notes-novgmidi.npz"))
    parser.add_argument("--each", type=int, default=80, help="sections for each point of the grid")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    data = NoteData.load(arguments.data)
    band = data.piece_pool[data.section_piece] == data.about["pools"].index("band")
    fits = band & (data.label_source > 0) & (np.diff(data.section_start) >= MIN_IDS)
    rows = np.flatnonzero(fits & ~data.piece_heldout[data.section_piece])
    features = data.features[rows]
    kind = (features[:, FEATURES.index("families")] > 1).astype(int)  # solo or band, as judges tell them apart
    rng = np.random.default_rng(arguments.seed)
    asked, drawn = [], []
    for point in (Emotion(valence, arousal) for valence in GRID for arousal in GRID):
        squared = (data.valence[rows] - point.valence) ** 2 + (data.arousal[rows] - point.arousal) ** 2
        odds = np.exp(-squared / (2 * NEARNESS**2))
        drawn.append(rng.choice(len(rows), arguments.each, p=odds / odds.sum()))
        asked += [(point.valence, point.arousal)] * arguments.each
    chosen = np.concatenate(drawn)
    print(f"{len(rows)} band sections, {arguments.each} for each of 25 points\n")
    print("| judge | valence | arousal | arousal to valence | valence to arousal |\n|---|---|---|---|---|")
    for name in JUDGES:
        judge = load_judge(name)
        read = np.where(kind[:, None] == 1, judge.scores(features, 1), judge.scores(features, 0))
        scores = evaluate(np.array(asked), read[chosen], seed=arguments.seed)
        keys = ("valence_spearman", "arousal_spearman", "valence_cross", "arousal_cross")
        print(f"| {name} | " + " | ".join(f"{scores[key].value:.2f}" for key in keys) + " |")


if __name__ == "__main__":
    main()
