"""Notes to finished sound: seconds of music per second of CPU, part by part, and the memory it takes.

    OMP_NUM_THREADS=1 python benchmarks/render.py [--seconds 60] [--runs 5]

The piece is made here (five tracks: drums, bass, piano, strings, winds; about 1,900 notes a minute). The best
of several runs is shown, in CPU and in wall time, with stems, mix, room, loudness and true peak included; drawing and
writing files stand below. Peak memory is that of the whole process.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.music.piece import Key, Piece, Track, make_notes
from klangbild.show.pianoroll import draw_piano_roll, piano_roll_png
from klangbild.sound.files import FORMATS, write_audio
from klangbild.sound.fonts import find_soundfont
from klangbild.sound.mix import mix
from klangbild.sound.synth import synthesize_stems


def band(seconds: float, *, bpm: float = 120.0, seed: int = 0) -> Piece:
    """A pattern piece of five families."""
    rng = np.random.default_rng(seed)
    bars = max(round(seconds * bpm / 240), 1)
    chords = ((57, 60, 64), (53, 57, 60), (48, 52, 55), (55, 59, 62))
    rows: dict[str, list[tuple]] = {name: [] for name in ("drums", "bass", "piano", "strings", "winds")}
    for bar in range(bars):
        at, chord = 4.0 * bar, chords[bar % 4]
        rows["drums"] += [(at + k / 2, 0.25, (42, 36, 42, 38)[k % 4], rng.integers(50, 120)) for k in range(16)]
        rows["bass"] += [(at + k / 2, 0.45, chord[0] - 24, rng.integers(70, 110)) for k in range(8)]
        rows["piano"] += [(at + k / 4, 0.5, chord[k % 3] + 12 * (k % 2), rng.integers(40, 110)) for k in range(16)]
        rows["strings"] += [(at, 4.0, pitch + octave, rng.integers(50, 90)) for pitch in chord for octave in (0, 12)]
        rows["winds"] += [(at + k / 2, 0.5, chord[rng.integers(3)] + 24, rng.integers(60, 110)) for k in range(8)]
    programs = {"drums": 0, "bass": 33, "piano": 0, "strings": 48, "winds": 73}
    tracks = tuple(Track(name, programs[name], make_notes(*zip(*r, strict=True))) for name, r in rows.items())
    return Piece(tracks, tempos=((0.0, bpm),), key=Key(9, "minor"), length_beats=4.0 * bars)


def best_of(runs: int, work: Callable[[], object]) -> tuple[object, float, float]:
    """(result, least CPU seconds, least wall seconds)."""
    cpu, wall, result = [], [], None
    for _ in range(runs):
        started = time.process_time(), time.perf_counter()
        result = work()
        cpu.append(time.process_time() - started[0])
        wall.append(time.perf_counter() - started[1])
    return result, min(cpu), min(wall)


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far (ru_maxrss is bytes on macOS, kilobytes elsewhere)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    piece, font = band(options.seconds), find_soundfont()
    print(f"{piece.seconds:.0f} s of music, {len(piece.tracks)} tracks, {piece.n_notes} notes, {font.name}")
    start_mb = peak_memory_mb()
    stems, stems_cpu, stems_wall = best_of(options.runs, lambda: synthesize_stems(piece, soundfont=font))
    made, mix_cpu, mix_wall = best_of(options.runs, lambda: mix(stems))
    print(f"{'':24}{'CPU s':>8}{'wall s':>8}{'x real time (CPU)':>20}")
    for name, cpu, wall in (
        ("stems", stems_cpu, stems_wall),
        ("room, mix, loudness", mix_cpu, mix_wall),
        ("together", stems_cpu + mix_cpu, stems_wall + mix_wall),
    ):
        print(f"{name:24}{cpu:8.2f}{wall:8.2f}{piece.seconds / cpu:20.0f}")
    print(f"loudness {made.loudness.lufs:.2f} LUFS, true peak {made.loudness.true_peak_dbtp:.2f} dBTP")
    print(f"peak memory {peak_memory_mb():.0f} MB (before: {start_mb:.0f} MB)")
    feeling = Emotion(0.2, 0.4, 0.3, 0.3)
    image, cpu, _ = best_of(options.runs, lambda: draw_piano_roll(piece, emotion=feeling, title="Benchmark"))
    print(f"{'piano roll':24}{cpu:8.2f}")
    print(f"{'  as PNG':24}{best_of(options.runs, lambda: piano_roll_png(image, piece))[1]:8.2f}")
    with tempfile.TemporaryDirectory() as folder:
        for kind in FORMATS:
            _, cpu, _ = best_of(2, lambda kind=kind: write_audio(Path(folder) / f"a.{kind}", made.audio))
            print(f"{'  as ' + kind:24}{cpu:8.2f}")


if __name__ == "__main__":
    main()
