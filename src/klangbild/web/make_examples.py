"""Make the examples that ship with the page: small copies of our own pictures, with ready results that play at once.

    python -m klangbild.web.make_examples examples/pictures

Run it again whenever the shipped models change. Each example is made by `compose` as anybody would make it, with its place in the list as the seed;
its sound is a mono MP3, so that all of them together stay under 4 MB.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from klangbild.composer import Composer
from klangbild.emotion.read import read_emotion
from klangbild.picture.features import picture_features
from klangbild.picture.load import load_picture
from klangbild.result import Result
from klangbild.web import reproduce
from klangbild.web.pictures import alt_text, emotion_json
from klangbild.web.roll_json import roll_of
from klangbild.whole_files import atomic_write

OUT = Path(__file__).resolve().parent / "examples"
SECONDS = 20.0
PICTURE_SIDE, THUMBNAIL_SIDE = 640, 240
MAX_BYTES = 4_000_000


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Make the page's examples from a folder of pictures of our own.")
    parser.add_argument("pictures", type=Path, help="a folder of .jpg files, with alt.json: {name: picture in words}")
    given = parser.parse_args(arguments)
    words = given.pictures / "alt.json"
    alts = json.loads(words.read_text(encoding="utf-8")) if words.exists() else {}
    OUT.mkdir(exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    composer = Composer(seconds=SECONDS)
    index = []
    for seed, path in enumerate(sorted(given.pictures.glob("*.jpg")), start=1):
        index.append(make(composer, path, alts.get(path.stem), seed=seed))
        print(path.stem, index[-1]["words"])
    atomic_write(OUT / "index.json", _json(index))
    size = sum(path.stat().st_size for path in OUT.iterdir())
    print(f"{len(index)} examples, {size / 1e6:.2f} MB")
    return 0 if size <= MAX_BYTES else 1


def make(composer: Composer, path: Path, alt: str | None, *, seed: int) -> dict[str, Any]:
    """Compose one example and write its files; gives its line of the index."""
    name = path.stem
    picture = load_picture(_small_copy(path, OUT / f"{name}.jpg", PICTURE_SIDE))
    _small_copy(path, OUT / f"{name}-small.jpg", THUMBNAIL_SIDE)
    reading = read_emotion(picture)
    palette = picture_features(picture).palette
    result = composer.compose(OUT / f"{name}.jpg", seed=seed)
    stem = f"{name}-{result.seed}"
    atomic_write(OUT / f"{stem}.mp3", _small_sound(result))
    atomic_write(OUT / f"{stem}.mid", result.midi)
    alt = alt or alt_text(palette, reading)
    seen = emotion_json(reading)
    seen["palette"] = [{"hex": s.hex, "name": s.name, "share": s.share} for s in palette]
    seen["alt"] = alt
    record = {key: value for key, value in result.record.items() if key not in ("timings_s", "device", "files")}
    ready = {
        "record": record,
        "reading": seen,
        "roll": roll_of(result.piece),
        "sound": f"{stem}.mp3",
        "files": {"mid": f"{stem}.mid", "mp3": f"{stem}.mp3"},
        "command": reproduce.command(f"{name}.jpg", result.settings),
        "python": reproduce.python(f"{name}.jpg", result.settings),
    }
    atomic_write(OUT / f"{name}.json", _json(ready, indent=None))
    title = name.replace("-", " ").capitalize()
    return {
        "id": name, "title": title, "alt": alt, "words": result.record.music.words,
        "picture": f"{name}.jpg", "thumbnail": f"{name}-small.jpg", "result": f"{name}.json",
    }  # fmt: skip


def _small_copy(path: Path, to: Path, side: int) -> Path:
    from PIL import Image

    with Image.open(path) as image:
        image = image.convert("RGB")
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        image.save(to, "JPEG", quality=80, optimize=True, progressive=True)
    return to


def _small_sound(result: Result) -> bytes:
    """Mono MP3 of about 64 kbit/s, with the tags and the record that every file of ours carries."""
    import tempfile

    import soundfile

    from klangbild.sound.tags import id3

    mono = np.ascontiguousarray(result.audio.samples.mean(axis=0))
    with tempfile.TemporaryFile() as bare:
        with soundfile.SoundFile(
            bare.fileno(),
            "w",
            result.audio.rate,
            1,
            "MPEG_LAYER_III",
            format="MP3",
            bitrate_mode="CONSTANT",
            compression_level=0.89,
            closefd=False,
        ) as file:
            file.write(mono)
        bare.seek(0)
        data = bare.read()
    title = f"{result.name} ({result.asked.name})"
    return id3({"title": title, "artist": "klangbild", "genre": "AI generated"}, result.embedded_in_sound, None) + data


def _json(value: Any, *, indent: int | None = 1) -> bytes:
    separators = (",", ":") if indent is None else None
    return (json.dumps(value, ensure_ascii=False, indent=indent, separators=separators) + "\n").encode()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
