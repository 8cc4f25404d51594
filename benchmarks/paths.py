"""Does the music follow a path? Twenty paths of two points, each half read back by a judge, and where the change is heard.

    python benchmarks/paths.py [--paths 20] [--seconds 40] [--judge vgmidi] [--drafts 3]

The two points of a path lie at least .8 apart on either axis. Printed: a row for each path (asked and read of both halves, tempo, mode, loudness,
notes a second and players of both), then how often a half differs from the other in the asked direction, how far the section that begins the
second half stands from the asked second, in bars, and whether the largest change of the music is there (of all bar lines with four bars on either
side, that where tempo, density, loudness and players differ most).
"""

from __future__ import annotations

import argparse

import numpy as np

from klangbild.composer import Composer
from klangbild.metrics.emotion_judge import JUDGES, load_judge, read_piece
from klangbild.music.key import estimate_key
from klangbild.music.piece import Piece

LEAST_APART = 0.8


def points(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two places of the plane, -0.9 .. 0.9, far enough apart on both axes."""
    while True:
        a, b = rng.uniform(-0.9, 0.9, (2, 2)).round(2)
        if (np.abs(a - b) >= LEAST_APART).all():
            return a, b


def features(part: Piece) -> list[float]:
    """Tempo, loudness, notes and onsets a second of a part of a piece, in units in which a listener hears a difference."""
    notes = np.concatenate([track.notes for track in part.tracks])
    if not len(notes):
        return [0.0, 0.0, 0.0, 0.0]
    seconds = max(part.seconds, 0.1)
    onsets = len(np.unique(np.round(notes["onset"], 2)))
    velocity = float(notes["velocity"].mean()) / 12.0
    return [
        np.log(part.tempos[0][1]) / 0.1,
        velocity,
        np.log(len(notes) / seconds + 0.2) / 0.3,
        np.log(onsets / seconds + 0.2) / 0.3,
    ]


def largest_change_s(piece: Piece) -> float:
    """The second of the bar line on whose sides the music differs most, of those with four bars on either."""
    starts = [*piece.bar_starts(), piece.end_beats]
    found = []
    for bar in range(4, len(starts) - 5):
        before, after = piece.between(starts[bar - 4], starts[bar]), piece.between(starts[bar], starts[bar + 4])
        players = len(set(before.families) ^ set(after.families))
        differ = np.abs(np.subtract(features(before), features(after))).sum() + players
        found.append((round(float(differ), 6), starts[bar]))
    return float(piece.beats_to_seconds(max(found)[1])) if found else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paths", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--judge", choices=JUDGES, default="vgmidi")
    parser.add_argument("--drafts", type=int, default=3)
    arguments = parser.parse_args()
    judge, rng = load_judge(arguments.judge), np.random.default_rng(0)
    composer = Composer(text="calm", seconds=arguments.seconds, drafts=arguments.drafts)
    right, bars_off, heard_there, louder, quicker, denser, moved = np.zeros(2, int), [], 0, 0, 0, 0, 0
    for number in range(arguments.paths):
        (a, b), at = points(rng), round(arguments.seconds * rng.uniform(0.4, 0.6), 1)
        path = f"0:{a[0]:g},{a[1]:g} {at:g}:{b[0]:g},{b[1]:g}"
        piece = composer.compose(path=path, seed=number).piece
        change = piece.moods[1][0] if len(piece.moods) > 1 else piece.end_beats / 2.0
        halves = piece.between(0.0, change), piece.between(change, piece.end_beats + 1.0)
        read = np.array([read_piece(judge, half) for half in halves])
        right += (np.sign(read[1] - read[0]) == np.sign(b - a)).astype(int)
        bar_s = 60.0 / halves[0].tempos[0][1] * 4.0 * piece.meters[0][1] / piece.meters[0][2]
        change_s = float(piece.beats_to_seconds(change))
        bars_off.append(abs(change_s - at) / bar_s)
        there = abs(largest_change_s(piece) - change_s) < bar_s + 1e-6
        heard_there += there
        of = [features(half) for half in halves]
        upwards = np.sign(b[1] - a[1])
        quicker += (of[1][0] - of[0][0]) * upwards > 0
        louder += (of[1][1] - of[0][1]) * upwards > 0
        denser += (of[1][2] - of[0][2]) * upwards > 0
        moved += set(halves[0].families) != set(halves[1].families)
        keys = " -> ".join(estimate_key(half).mode for half in halves)
        tempi = " -> ".join(f"{half.tempos[0][1]:.0f}" for half in halves)
        print(
            f"{path:34} read {read[0, 0]:+.2f},{read[0, 1]:+.2f} -> {read[1, 0]:+.2f},{read[1, 1]:+.2f}  {tempi} bpm, {keys}, change at "
            f"{change_s:.2f} s{'' if there else ' (another is larger)'}; {', '.join(halves[0].families)} -> {', '.join(halves[1].families)}",
            flush=True,
        )
    n = arguments.paths
    print(f"in the asked direction, of {n}: valence {right[0]}, arousal {right[1]} (judge {arguments.judge})")
    print(f"with arousal: tempo {quicker}, loudness {louder}, notes a second {denser}; other players in {moved}")
    print(f"section from the asked second: {np.mean(bars_off):.2f} bars on the mean, {max(bars_off):.2f} at most")
    print(f"the largest change of the piece is there in {heard_there}")


if __name__ == "__main__":
    main()
