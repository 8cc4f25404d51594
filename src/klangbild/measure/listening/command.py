"""`klangbild measure listen --pictures DIR --engines A,B`: a listening test on a local page; `--analyse` says what came out.

An engine is a name (notes, art2mus, melfusion: composed here, once), or NAME=DIR with music named like the pictures (sound or
MIDI). All sounds are brought to one loudness and one length first, so that louder or longer does not win. Everything of a
study lies in its folder: `sounds/`, `answers.sqlite`, and `answers.csv`, which is written anew when the server stops and by
`--analyse`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from klangbild.errors import InputError, UsageError
from klangbild.measure.fit import compose_all, music_like, pictures_in
from klangbild.measure.listening.analysis import analyse
from klangbild.measure.listening.plan import SETS
from klangbild.measure.listening.store import Store
from klangbild.measure.results import add_output, give, progress
from klangbild.measure.sound import open_sound
from klangbild.whole_files import atomic_write

LOUDNESS_LUFS, FADE_S = -18.0, 0.5


def level_sound(file: Path, out: Path, *, seconds: float) -> None:
    """The first seconds at -18 LUFS with a short fade, as a 16-bit .wav that every browser plays.

    Raises:
        InputError: the file is silent or damaged.
    """
    import io
    import wave

    from klangbild.sound.audio import Audio
    from klangbild.sound.loudness import normalize

    audio = open_sound(file)
    samples = audio.samples[:2, : round(seconds * audio.rate)]
    if not samples.size or not samples.any():
        raise InputError(f"{file}: is silent; a listening test needs sound")
    levelled, _ = normalize(Audio(np.ascontiguousarray(samples), audio.rate), target_lufs=LOUDNESS_LUFS)
    n = min(round(FADE_S * audio.rate), levelled.samples.shape[1])
    faded = levelled.samples.copy()
    faded[:, -n:] *= np.linspace(1, 0, n, dtype=np.float32)
    data = np.rint(np.clip(faded, -1, 1) * 32767).astype("<i2").T.tobytes()
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as writer:
        writer.setnchannels(faded.shape[0])
        writer.setsampwidth(2)
        writer.setframerate(audio.rate)
        writer.writeframes(data)
    atomic_write(out, buffer.getvalue())


def prepare(
    pictures: list[Path], engines: list[str], work: Path, *, seconds: float, seed: int
) -> dict[tuple[str, str], Path]:
    """(picture, engine) -> .wav; what is there already is kept.

    Raises:
        UsageError: an engine named twice. InputError: music is missing.
    """
    sounds: dict[tuple[str, str], Path] = {}
    names = [engine.partition("=")[0] for engine in engines]
    if len(set(names)) < len(names):
        raise UsageError("--engines names one engine twice; give each its own NAME=DIR")
    for engine in engines:
        name, _, folder = engine.partition("=")
        if folder:
            files = music_like(pictures, Path(folder))
        else:
            made = work / "music" / name
            files = compose_all(pictures, made, engine=name, settings={"seconds": seconds}, seed=seed)
        (work / "sounds" / name).mkdir(parents=True, exist_ok=True)
        for picture, file in zip(progress(pictures, text=f"levelling {name}"), files, strict=True):
            out = work / "sounds" / name / f"{picture.stem}.wav"
            if not out.is_file():
                level_sound(file, out, seconds=seconds)
            sounds[picture.stem, name] = out
    return sounds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure listen`."""
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="folder of pictures")
    parser.add_argument("--engines", metavar="A,B", help="engines, or NAME=DIR with music named like the pictures")
    parser.add_argument("--questions", choices=tuple(SETS), default="all", help="what is rated (default: all)")
    parser.add_argument("--trials", type=int, default=24, help="pages for each rater (default 24)")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--most", type=int, metavar="N", help="only N pictures, evenly spread")
    parser.add_argument("--consent", type=Path, metavar="FILE", help="your own text before the test begins")
    parser.add_argument("--work", type=Path, default=Path("runs/listen"), metavar="DIR", help="the study's folder")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other devices of your network take part")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--analyse", action="store_true", help="no server: say what the answers so far say")
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C, or analyse."""
    database = args.work / "answers.sqlite"
    if args.analyse:
        if not database.is_file():
            raise InputError(f"{args.work}: holds no study; run 'klangbild measure listen' there first")
        store = Store(database)
        atomic_write(args.work / "answers.csv", store.csv().encode())
        results = analyse(store.rows())
        store.close()
        return give(results, args)
    if not args.pictures or not args.engines:
        raise UsageError("a listening test needs --pictures DIR and --engines A,B (or --analyse)")
    from klangbild.measure.listening.server import ListeningTest, make_server

    pictures = pictures_in(args.pictures, most=args.most)
    sounds = prepare(pictures, args.engines.split(","), args.work, seconds=args.seconds, seed=args.seed)
    consent = args.consent.read_text(encoding="utf-8") if args.consent else None
    store = Store(database)
    test = ListeningTest(store, {p.stem: p for p in pictures}, sounds, questions=args.questions, trials=args.trials,
                         seed=args.seed, consent=consent)  # fmt: skip
    try:
        server = make_server(test, host=args.host, port=args.port)
    except OSError as error:
        raise UsageError(f"--port {args.port}: cannot be used ({error.strerror}); give another") from None
    print(f"http://{args.host}:{server.server_address[1]}/  (Ctrl-C ends; answers are in {database})", file=sys.stderr)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("stopped; the same command goes on with it", file=sys.stderr)
    finally:
        server.server_close()
        atomic_write(args.work / "answers.csv", store.csv().encode())
        store.close()
    print(json.dumps({"answers": str(args.work / "answers.csv")}) if args.json else args.work / "answers.csv")
    return 0
