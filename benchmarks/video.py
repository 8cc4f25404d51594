"""A piece to its film: seconds for a minute of video, frames and encoder apart, and the memory it takes.

    OMP_NUM_THREADS=1 python benchmarks/video.py [--seconds 60] [PICTURE ...]

The piece and its sound are those of `benchmarks/render.py` (five tracks, about 1,900 notes a minute) and stand before the clock starts. The
pictures are ours, and one of the size and the grain of a photograph (4000 x 3000, drawn here); both shapes, and with a gaze. The goal is 40 s
for a minute on two cores, in wall time.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from render import band

from klangbild.picture.load import load_picture
from klangbild.picture.picture import Picture
from klangbild.show.film import SHAPES, Film, Words
from klangbild.show.mp4 import write_film
from klangbild.sound.master import play

ROOT = Path(__file__).resolve().parents[1]
GOAL_S = 40.0


def grainy() -> Picture:
    """Soft forms under the noise of a camera."""
    rng = np.random.default_rng(0)
    soft = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize(
        (4000, 3000), Image.Resampling.BICUBIC
    )
    rgb = np.asarray(soft, np.int16) + rng.integers(-12, 13, (3000, 4000, 1), dtype=np.int16)
    return Picture(np.clip(rgb, 0, 255).astype(np.uint8), "grainy", "0" * 64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="*", metavar="PICTURE")
    parser.add_argument("--seconds", type=float, default=60.0)
    arguments = parser.parse_args()
    piece = band(arguments.seconds)
    audio = play(piece).audio
    names = arguments.pictures or [ROOT / "examples" / "pictures" / "lake-at-dawn.jpg"]
    pictures = [*map(load_picture, names), grainy()]
    gaze = tuple((arguments.seconds * i / 4, 0.1 + 0.8 * i / 4, 0.3 + 0.4 * (i % 2)) for i in range(4))
    print(f"{os.cpu_count()} cores; load before {os.getloadavg()[0]:.1f}; {audio.seconds:.1f} s of sound")
    print("picture        shape    gaze  wall s  CPU s  s for 60 s  MB")
    with tempfile.TemporaryDirectory() as folder:
        for picture in pictures:
            for shape, way in (("wide", ()), ("upright", ()), ("wide", gaze)):
                started, used = time.perf_counter(), time.process_time()
                film = Film(audio, Words(picture.name), piece=piece, picture=picture, size=SHAPES[shape], gaze=way)
                path = write_film(Path(folder) / "film.mp4", film, audio, tags={}, record=None)
                wall, cpu = time.perf_counter() - started, time.process_time() - used
                a_minute = wall * 60.0 / film.seconds
                print(
                    f"{picture.name:14.14} {shape:8} {'yes' if way else 'no':4} {wall:7.1f} {cpu:6.1f} {a_minute:11.1f}"
                    f" {path.stat().st_size / 1e6:4.0f}  {'held' if a_minute <= GOAL_S else 'missed'}"
                )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
