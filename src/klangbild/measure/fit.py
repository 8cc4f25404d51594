"""`klangbild measure fit --pictures DIR --engine E`: does the picture matter?

For every picture music is made (and kept: a second call goes on where the first stopped), each piece is scored against every
picture, and the right pairs are compared with shuffled ones.

Conventions
    The picture's emotion is what it asks of the music, on the music's plane. The music's is read back by a judge that the
    engine has not seen; the fit of a pair is minus their distance on the plane. Distances are also taken between percentiles
    within this set of pictures (`emotion_ranked`), which takes out what the engine makes of every picture alike.
    Other music than ours: `--music DIR` with files named like the pictures (mid or sound) is measured without composing.

Metrics
    For each score `retrieval.evaluate`; and valence_spearman, arousal_spearman over the pictures.
    For sound engines the cosine of ImageBind too (artwork and generated), where its weights are: `--imagebind FILE`.
"""

from __future__ import annotations

import argparse
import json
from collections import OrderedDict
from pathlib import Path

import numpy as np

from klangbild.errors import InputError, KlangbildError, UsageError
from klangbild.measure.composed import refuse_other_settings
from klangbild.measure.judges.sound_judge import LIMITS
from klangbild.measure.results import Results, add_output, give, passed_over, progress
from klangbild.metrics import retrieval
from klangbild.metrics.emotion_judge import JUDGES, load_judge, read_piece
from klangbild.metrics.intervals import Estimate, bootstrap_spearman
from klangbild.music.midi_plain import MIDI_ENDINGS
from klangbild.picture.find import pictures_below

SOUND_ENDINGS = (".wav", ".flac", ".ogg", ".mp3")
MUSIC_ENDINGS = (*MIDI_ENDINGS, *SOUND_ENDINGS)


def pictures_in(folder: Path, *, most: int | None = None) -> list[Path]:
    """The picture files of a folder by name, `most` of them evenly spread.

    Raises:
        InputError: fewer than two.
    """
    found = pictures_below(folder, recursive=False)
    if len(found) < 2:
        raise InputError(f"{folder}: holds {len(found)} pictures; give a folder with two or more")
    if len({f.stem for f in found}) < len(found):
        raise InputError(f"{folder}: two pictures have one name but for the ending; rename one, since pairs go by name")
    if most and most < len(found):
        found = [found[i] for i in np.unique(np.linspace(0, len(found) - 1, most).astype(int))]
    return found


def emotion_scores(asked: np.ndarray, read: np.ndarray) -> dict[str, np.ndarray]:
    """(n, 2) of pictures and (n, 2) of music -> score matrices (pictures, music)."""

    def fit_of(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return -np.sqrt(((a[:, None] - b[None]) ** 2).sum(axis=2))

    return {"emotion": fit_of(asked, read), "emotion_ranked": fit_of(_ranked(asked), _ranked(read))}


def _ranked(values: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    return np.stack([(rankdata(c) - 0.5) / len(c) * 2 - 1 for c in values.T], axis=1)


def evaluate(asked: np.ndarray, read: np.ndarray, *, seed: int = 0) -> OrderedDict[str, Estimate]:
    """All emotion scores by name, of the pictures' asked emotion and the music's as read, (n, 2) each.

    Raises:
        InputError: shapes differ, fewer than two pairs, or a number is not finite.
    """
    asked, read = np.asarray(asked, np.float64), np.asarray(read, np.float64)
    if asked.shape != read.shape or asked.ndim != 2 or asked.shape[1] != 2:
        raise InputError(f"emotions of shapes {asked.shape} and {read.shape}; need (pairs, 2) of each")
    out: OrderedDict[str, Estimate] = OrderedDict()
    for score, matrix in emotion_scores(asked, read).items():
        for name, estimate in retrieval.evaluate(matrix, seed=seed).items():
            out[f"{score}_{name}"] = estimate
    for axis, name in enumerate(("valence", "arousal")):
        out[f"{name}_spearman"] = bootstrap_spearman(asked[:, axis], read[:, axis], seed=seed)
    return out


def compose_all(pictures: list[Path], work: Path, *, engine: str, settings: dict, seed: int) -> list[Path]:
    """Music for each picture, made where `work` does not hold it yet; gives the files in the pictures' order.

    Raises:
        InputError: the folder holds music of other settings.
    """
    from klangbild.composer import Composer
    from klangbild.music.midi import to_midi_bytes
    from klangbild.whole_files import atomic_write

    work.mkdir(parents=True, exist_ok=True)
    about = {"engine": engine, "seed": seed, **{k: v for k, v in settings.items() if v is not None}}
    mark = work / "fit.json"
    refuse_other_settings(mark, about)
    composer = Composer(engine=engine, **{k: v for k, v in settings.items() if v is not None})
    atomic_write(mark, json.dumps(about).encode())
    ending = "mid" if engine == "notes" else "wav"
    files = []
    for number, picture in enumerate(progress(pictures, text="composing")):
        file = work / f"{picture.stem}.{ending}"
        if not file.is_file():
            made = composer.compose(picture, seed=seed + number)
            if (
                engine == "notes"
            ):  # the notes alone: the judge reads notes, and nothing is played unless it is asked for
                atomic_write(file, to_midi_bytes(made.piece))
            else:
                made.save(file, (ending,), overwrite=True)
        files.append(file)
    return files


def music_like(pictures: list[Path], folder: Path) -> list[Path]:
    """The file of `folder` named like each picture. Raises InputError: a picture has none, or two."""
    files = []
    for picture in pictures:
        found = [f for f in sorted(folder.glob(f"{picture.stem}.*")) if f.suffix.lower() in MUSIC_ENDINGS]
        notes = [f for f in found if f.suffix.lower() not in SOUND_ENDINGS]
        if not found:
            raise InputError(f"{folder}: has no music named {picture.stem}.mid or .wav for {picture.name}; name it so")
        files.append((notes or found)[0])
    return files


def read_music(files: list[Path], judge: str) -> tuple[np.ndarray, str]:
    """(files, 2) valence and arousal, NaN where nothing can be read; and the accuracy of the judge used."""
    from klangbild.music.midi import read_midi

    notes = files[0].suffix.lower() not in SOUND_ENDINGS
    if any((f.suffix.lower() not in SOUND_ENDINGS) != notes for f in files):
        raise InputError("some files are notes and some sound; they are read by different judges, so give one kind")
    if notes:
        loaded = load_judge(judge)
        rows = []
        for file in progress(files, text="reading"):
            try:
                rows.append(read_piece(loaded, read_midi(file)))
            except KlangbildError as error:
                passed_over(error)
                rows.append((float("nan"), float("nan")))
        return np.array(rows), loaded.accuracy
    from klangbild.measure.judges.sound_judge import load_sound_judge, read_sound
    from klangbild.sound.files import read_audio

    sound_judge = load_sound_judge(judge)
    rows = []
    for file in progress(files, text="listening"):
        try:
            rows.append(read_sound(sound_judge, read_audio(file)))
        except KlangbildError as error:
            passed_over(error)
            rows.append((float("nan"), float("nan")))
    return np.array(rows), sound_judge.accuracy


def imagebind_scores(pictures: list[Path], files: list[Path], weights: Path) -> np.ndarray:
    """(pictures, sounds) cosine of ImageBind embeddings: Art2Mus's score of artwork and generated sound, every pair.

    Raises:
        NotAvailableError: no such weights. InputError: the files are notes.
    """
    if any(f.suffix.lower() not in SOUND_ENDINGS for f in files):
        raise InputError("--imagebind listens to sound, and the music here is notes; give --music with sound files")
    from klangbild.models.published.imagebind.model import ImageBind
    from klangbild.picture.load import load_picture
    from klangbild.sound.files import read_audio

    model = ImageBind.from_file(weights)
    looked = [model.embed_pictures([load_picture(p).rgb])[0].numpy() for p in progress(pictures, text="looking")]
    sounds = [read_audio(f) for f in files]
    heard = [model.embed_sounds([(a.samples, a.rate)])[0].numpy() for a in progress(sounds, text="listening")]
    a, b = (np.array(v) / np.linalg.norm(np.array(v), axis=1, keepdims=True) for v in (looked, heard))
    return a @ b.T


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure fit`."""
    parser.add_argument("--pictures", type=Path, required=True, metavar="DIR", help="folder of pictures")
    parser.add_argument("--engine", default="notes", help="notes, art2mus or melfusion (default: notes)")
    parser.add_argument(
        "--music", type=Path, metavar="DIR", help="measure these files, named like the pictures, instead"
    )
    parser.add_argument("--model", help="model by name or folder")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--candidates", type=int)
    parser.add_argument("--most", type=int, metavar="N", help="only N pictures, evenly spread")
    parser.add_argument("--imagebind", type=Path, metavar="FILE", help="ImageBind's weights, for sound: its cosine too")
    parser.add_argument("--judge", choices=JUDGES, default="vgmidi")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, metavar="DIR", help="where music is kept (default: runs/fit-ENGINE)")
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Compose what is missing, score all pairs, print right against shuffled."""
    if args.engine not in ("notes", "art2mus", "melfusion"):
        raise UsageError(f"--engine {args.engine}: there is no such engine; choose notes, art2mus or melfusion")
    from klangbild.emotion.read import read_emotion
    from klangbild.picture.load import load_picture

    pictures = pictures_in(args.pictures, most=args.most)
    if args.music:
        files = music_like(pictures, args.music)
    else:
        settings = {
            "model": args.model,
            "seconds": args.seconds,
            "guidance": args.guidance,
            "candidates": args.candidates,
        }
        work = args.work or Path(f"runs/fit-{args.engine}")
        files = compose_all(pictures, work, engine=args.engine, settings=settings, seed=args.seed)
    readings = [read_emotion(load_picture(p)).asked for p in progress(pictures, text="looking")]
    asked = np.array([(e.valence, e.arousal) for e in readings])
    read, accuracy = read_music(files, args.judge)
    known = np.isfinite(read).all(axis=1)
    if known.sum() < 2:
        raise InputError(
            f"only {int(known.sum())} of {len(known)} pieces could be read (silent, damaged or a few notes); give longer music"
        )
    results = Results("fit", seed=args.seed, notes=[accuracy])
    if files[0].suffix.lower() in SOUND_ENDINGS:
        results.notes.append(LIMITS)
    results.sets[args.engine if not args.music else args.music.name] = dict(
        evaluate(asked[known], read[known], seed=args.seed)
    )
    if args.imagebind:
        matrix = imagebind_scores(pictures, files, args.imagebind)
        for name, estimate in retrieval.evaluate(matrix, seed=args.seed).items():
            results.sets[next(iter(results.sets))][f"imagebind_{name}"] = estimate
    if not known.all():
        results.notes.append(f"{int((~known).sum())} of {len(known)} pieces could not be read and were left out")
    n = int(known.sum())
    results.notes.append(f"{n} pairs; chance: top1 {1 / n:.3f}, top5 {min(5 / n, 1):.3f}, mean rank {(n + 1) / 2:.1f}")
    results.details = {
        "pictures": [p.name for p in pictures], "asked": asked.round(4).tolist(),
        "read": [[None if np.isnan(v) else round(v, 4) for v in row] for row in read.tolist()],
    }  # fmt: skip
    return give(results, args)
