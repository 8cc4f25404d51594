"""Peak memory of `klangbild render` for long pieces, one process a format.

    OMP_NUM_THREADS=1 python benchmarks/render_memory.py [--minutes 60] [--formats wav,flac,mp3,ogg]

The piece is made here: six parts (drums, bass, piano, strings, winds, guitar), about 2,000 notes a minute. Memory is the largest
resident set of the process (ru_maxrss); time is that of the whole process.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from render import band

from klangbild.music.midi import to_midi_bytes
from klangbild.music.piece import Piece, Track, make_notes

_COMMAND = "from klangbild.cli.main import run; run()"


def six_parts(minutes: float) -> Piece:
    """The band of `benchmarks/render.py`, joined by a guitar that plays the strings' chords broken."""
    piece = band(minutes * 60 - 2)
    strings = next(track.notes for track in piece.tracks if track.family == "strings")
    onset = strings["onset"] + np.arange(len(strings)) % 6 * 0.5
    guitar = make_notes(onset, np.full(len(onset), 0.6), strings["pitch"], strings["velocity"])
    return replace(piece, tracks=(*piece.tracks, Track("guitar", 25, guitar)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--formats", default="wav,flac,mp3,ogg")
    options = parser.parse_args()
    piece = six_parts(options.minutes)
    print(f"{piece.seconds / 60:.1f} minutes of music, {len(piece.tracks)} tracks, {piece.n_notes} notes")
    print(f"{'':6}{'peak MB':>9}{'wall s':>8}{'CPU s':>8}{'x real time':>13}{'file MB':>9}")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "band.mid")
        source.write_bytes(to_midi_bytes(piece))
        for kind in options.formats.split(","):
            path, started = Path(folder, f"band.{kind}"), time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, "-c", _COMMAND, "render", source, "-o", path], stdout=subprocess.DEVNULL
            )
            _, status, used = os.wait4(process.pid, 0)
            if status:
                raise SystemExit(f"{kind}: the command failed")
            peak_mb = used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
            wall, cpu = time.perf_counter() - started, used.ru_utime + used.ru_stime
            print(
                f"{kind:6}{peak_mb:9.0f}{wall:8.1f}{cpu:8.1f}{piece.seconds / wall:13.0f}{path.stat().st_size / 1e6:9.0f}",
                flush=True,
            )
            path.unlink()


if __name__ == "__main__":
    main()
