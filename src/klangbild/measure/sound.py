"""`klangbild measure sound DIR... [--reference DIR]`: every measure of sound for folders of sound files, side by side.

Conventions
    A folder is a set. Without --reference only levels and the judge's reading are given. MIDI files are played with our
    player first. Embeddings are kept in `--cache` by the file's content, so that a second call is quick and an interrupted
    one goes on. Silent files, and damaged ones (unreadable, empty, not finite, shorter than 1 s), are counted (`silent`,
    `damaged`), never embedded.

Metrics
    fad_own, fad_own_infinity    Frechet audio distance on the embedding that ships, and extrapolated to endless sound.
    auc_sound                    can a classifier tell the clips from real ones? As `real_or_generated`; 10 files or more.
    fad_clap                     Frechet distance on CLAP, with --clap DIR (transformers).
    spectral_kl                  Art2Mus's, for files named like those of the reference.
    imagebind_truth              Art2Mus's, for files named like those of the reference, with --imagebind FILE.
    levels                       `measure.levels`. valence_read, arousal_read: `measure.sound_judge`.
"""

from __future__ import annotations

import argparse
import hashlib
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from klangbild.errors import InputError, KlangbildError, NotAvailableError
from klangbild.measure.judges.sound_judge import LIMITS, SoundJudge, load_sound_judge
from klangbild.measure.results import Results, add_output, give, passed_over, progress, set_names
from klangbild.metrics import levels
from klangbild.metrics.frechet import frechet_distance
from klangbild.metrics.frechet_infinity import frechet_infinity
from klangbild.metrics.intervals import Estimate, bootstrap, centred_interval
from klangbild.metrics.real_or_generated import FOLDS, tell_apart
from klangbild.metrics.sections import Sections
from klangbild.metrics.sound_embedding import load_axes, raw_features
from klangbild.music.midi_plain import MIDI_ENDINGS
from klangbild.sound.audio import Audio

SOUND_ENDINGS = (".wav", ".flac", ".ogg", ".mp3")
LEVELS = ("loudness_lufs", "true_peak_dbtp", "silent_share", "longest_gap_s", "clipped_share", "is_silent")
RESAMPLES = 100
MIN_S = 1.0
"""Less is not music: a judge would read a click with the same confidence as a piece."""


@dataclass(frozen=True)
class SoundSet:
    """names (n,) of the sounds that could be embedded, raw[i] (clips, 120) of each; levels (n + silent, 6)."""

    names: tuple[str, ...]
    raw: tuple[np.ndarray, ...]
    levels: np.ndarray
    silent: int
    damaged: int

    @property
    def vectors(self) -> np.ndarray:
        """(clips, 48) of all sounds."""
        return load_axes().turn(np.concatenate(self.raw))


def sound_set(sounds: list[tuple[str, Audio]], *, damaged: int = 0) -> SoundSet:
    """Measure sounds that are in memory, each (channels, n) and named."""
    names, raw, rows, silent = [], [], [], 0
    for name, audio in sounds:
        if audio.seconds < MIN_S:
            damaged += 1
            continue
        try:
            rows.append(list(levels.evaluate(audio).values()))
        except InputError:
            damaged += 1
            continue
        try:
            raw.append(raw_features(audio))
            names.append(name)
        except InputError:
            silent += 1
    return SoundSet(tuple(names), tuple(raw), np.array(rows).reshape(-1, len(LEVELS)), silent, damaged)


def sound_files(folder: Path) -> list[Path]:
    """Sound files of a folder by name; where there are none, its MIDI files. Raises InputError: neither."""
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such file or folder; give a folder with sound files")
    files = sorted(f for f in folder.rglob("*") if f.is_file())
    found = [f for f in files if f.suffix.lower() in SOUND_ENDINGS] or [
        f for f in files if f.suffix.lower() in MIDI_ENDINGS
    ]
    if not found:
        raise InputError(
            f"{folder}: holds no sound files; give a folder with .wav, .flac, .ogg or .mp3 (or .mid) files"
        )
    return found


def read_folder(folder: Path, cache: Path | None) -> SoundSet:
    """Measure a folder, with the cache. Raises InputError: no sound file in it."""
    parts = []
    for file in progress(sound_files(folder), text=folder.name):
        data = file.read_bytes()
        kept = cache / f"{hashlib.sha256(data).hexdigest()[:32]}.npz" if cache else None
        if kept and kept.is_file():
            with np.load(kept, allow_pickle=False) as a:
                raw = (a["raw"],) if a["raw"].size else ()
                parts.append(SoundSet((file.stem,)[: len(raw)], raw, a["levels"], int(a["silent"]), int(a["damaged"])))
            continue
        try:
            part = sound_set([(file.stem, open_sound(file))])
        except KlangbildError as error:
            passed_over(error)
            part = sound_set([], damaged=1)
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            temporary = kept.with_name(kept.name + ".part.npz")
            np.savez(temporary, raw=part.raw[0] if part.raw else np.zeros(0), levels=part.levels,
                     silent=part.silent, damaged=part.damaged)  # fmt: skip
            temporary.replace(kept)
        parts.append(part)
    return SoundSet(
        tuple(n for p in parts for n in p.names), tuple(r for p in parts for r in p.raw),
        np.concatenate([p.levels for p in parts]), sum(p.silent for p in parts), sum(p.damaged for p in parts),
    )  # fmt: skip


def open_sound(file: Path) -> Audio:
    """A sound file, or a MIDI file played, as float32 (channels, n). Raises InputError: damaged, or without notes."""
    if file.suffix.lower() in SOUND_ENDINGS:
        from klangbild.sound.files import read_audio

        return read_audio(file)
    from klangbild.measure.play import played
    from klangbild.music.midi import read_midi

    piece = read_midi(file)
    if not piece.n_notes:
        raise InputError(f"{file}: has no notes to play")
    return played(piece)


def evaluate(
    sounds: SoundSet, reference: SoundSet | None, *, judge: SoundJudge | None = None, seed: int = 0
) -> OrderedDict[str, Estimate]:
    """All scores of a set by name. Raises InputError: nothing of it can be heard."""
    if not sounds.raw and not len(sounds.levels):
        raise InputError(f"no sound can be measured, of {sounds.damaged}: all are damaged or shorter than {MIN_S:g} s")
    total = len(sounds.raw) + sounds.silent + sounds.damaged
    out: OrderedDict[str, Estimate] = OrderedDict()
    out["silent"] = bootstrap(np.r_[np.ones(sounds.silent), np.zeros(total - sounds.silent)])
    out["damaged"] = bootstrap(np.r_[np.ones(sounds.damaged), np.zeros(total - sounds.damaged)])
    for column, name in enumerate(LEVELS):
        out[name] = bootstrap(sounds.levels[:, column])
    if judge and sounds.raw:
        read = np.array([judge.read(raw) for raw in sounds.raw])
        out["valence_read"], out["arousal_read"] = bootstrap(read[:, 0]), bootstrap(read[:, 1])
    if reference is not None:
        out.update(distances(sounds, reference, seed=seed))
    return out


def distances(sounds: SoundSet, reference: SoundSet, *, seed: int = 0) -> OrderedDict[str, Estimate]:
    """Frechet audio distance on our embedding, interval by bootstrap over files; NaN where there are too few clips."""
    out: OrderedDict[str, Estimate] = OrderedDict()
    n = len(sounds.raw)
    nothing = Estimate(np.nan, np.nan, np.nan, n, sounds.silent + sounds.damaged)
    if not n or not reference.raw or min(sum(map(len, s.raw)) for s in (sounds, reference)) < 2:
        return OrderedDict(fad_own=nothing, fad_own_infinity=nothing)
    axes = load_axes()
    mine, theirs = [axes.turn(raw) for raw in sounds.raw], reference.vectors
    value = frechet_distance(np.concatenate(mine), theirs)
    rng = np.random.default_rng(seed)
    drawn = [
        frechet_distance(np.concatenate([mine[i] for i in rng.integers(0, n, n)]), theirs) for _ in range(RESAMPLES)
    ]
    low, high = centred_interval(value, drawn) if n > 1 else (np.nan, np.nan)
    out["fad_own"] = Estimate(value, low, high, n)
    out["fad_own_infinity"] = Estimate(frechet_infinity(np.concatenate(mine), theirs, seed=seed), np.nan, np.nan, n)
    if min(n, len(reference.raw)) >= 2 * FOLDS:
        sides = [
            Sections(np.concatenate(s.raw), np.repeat(np.arange(len(s.raw)), [len(r) for r in s.raw]))
            for s in (sounds, reference)
        ]
        with suppress(NotAvailableError):  # without scikit-learn the distances stand alone
            out["auc_sound"] = tell_apart(*sides, seed=seed, resamples=200)
    return out


def spectral_kl_by_name(folder: Path, reference: Path) -> Estimate:
    """Art2Mus's spectral KL over files of equal names. Raises InputError: no names are shared."""
    from klangbild.metrics.spectral_kl import spectral_kl

    theirs = {f.stem: f for f in sound_files(reference)}
    shared = [f for f in sound_files(folder) if f.stem in theirs]
    if not shared:
        raise InputError(f"{folder} and {reference}: no file names are shared; name each sound like its reference")
    values = []
    for file in progress(shared, text="spectral KL"):
        pair = [open_sound(f).samples.mean(axis=0) for f in (theirs[file.stem], file)]
        values.append(spectral_kl(*pair))
    return bootstrap(np.array(values))


def clap_vectors(files: list[Path], folder: Path) -> np.ndarray:
    """(sounds, dimensions) of CLAP's audio tower, from a folder of transformers.

    Raises:
        NotAvailableError: transformers or the folder is missing.
    """
    try:
        import torch
        from transformers import ClapFeatureExtractor, ClapModel
    except ImportError:
        raise NotAvailableError("--clap needs transformers and torch; pip install 'klangbild[diffusion]'") from None
    if not (folder / "config.json").is_file():
        raise NotAvailableError(f"{folder}: holds no CLAP model; give a folder with its config.json and weights")
    from scipy.signal import resample_poly

    from klangbild.models.published.folders import load_component

    model = load_component(ClapModel, folder, ".")
    features = load_component(ClapFeatureExtractor, folder, ".")
    rows = []
    for file in progress(files, text="CLAP"):
        audio = open_sound(file)
        mono = resample_poly(audio.samples.mean(axis=0), features.sampling_rate, audio.rate)
        # in windows of its own length: a longer sound would be cut at a random place
        size = int(features.nb_max_samples)
        found = []
        for start in range(0, max(len(mono) - size // 2, 1), size):
            inputs = features(mono[start : start + size], sampling_rate=features.sampling_rate, return_tensors="pt")
            with torch.inference_mode():
                vectors = model.get_audio_features(**inputs)
            found.append(getattr(vectors, "pooler_output", vectors)[0].numpy())
        rows.append(np.mean(found, axis=0))
    return np.array(rows)


def imagebind_truth(folder: Path, reference: Path, weights: Path) -> Estimate:
    """Art2Mus's ImageBind score of real and generated sound of equal names. Raises InputError: no names are shared."""
    from klangbild.metrics.similarity import cosine_rows
    from klangbild.models.published.imagebind.model import ImageBind

    theirs = {f.stem: f for f in sound_files(reference)}
    shared = [f for f in sound_files(folder) if f.stem in theirs]
    if not shared:
        raise InputError(f"{folder} and {reference}: no file names are shared; name each sound like its reference")
    model = ImageBind.from_file(weights, towers=("audio",))
    sides = []
    for files in (shared, [theirs[f.stem] for f in shared]):
        sounds = [open_sound(f) for f in progress(files, text="ImageBind")]
        sides.append(np.concatenate([model.embed_sounds([(a.samples, a.rate)]).numpy() for a in sounds]))
    return bootstrap(cosine_rows(*sides))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure sound`."""
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="DIR", help="folders of sound (or MIDI) files, one a set"
    )
    parser.add_argument("--reference", type=Path, metavar="DIR", help="real sound to measure against")
    parser.add_argument("--clap", type=Path, metavar="DIR", help="a CLAP model (transformers) for FAD on it")
    parser.add_argument(
        "--imagebind", type=Path, metavar="FILE", help="ImageBind's weights: its score against the reference"
    )
    parser.add_argument("--judge", default="emopia", help="sound judge: emopia or vgmidi (default: emopia)")
    parser.add_argument("--cache", type=Path, default=Path("runs/measure-cache"), metavar="DIR")
    parser.add_argument("--seed", type=int, default=0)
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Measure each folder."""
    judge = load_sound_judge(args.judge)
    results = Results("sound", seed=args.seed, notes=[judge.accuracy, LIMITS])
    reference = read_folder(args.reference, args.cache) if args.reference else None
    clap = clap_vectors(sound_files(args.reference), args.clap) if args.clap and args.reference else None
    for name, folder in zip(set_names(args.folders), args.folders, strict=True):
        try:
            scores = evaluate(read_folder(folder, args.cache), reference, judge=judge, seed=args.seed)
        except InputError as error:
            message = str(error)
            raise InputError(message if message.startswith(str(folder)) else f"{folder}: {message}") from None
        if args.reference:
            try:
                scores["spectral_kl"] = spectral_kl_by_name(folder, args.reference)
            except InputError as error:
                results.notes.append(f"{error}: spectral_kl is left out")
        if args.imagebind and args.reference:
            scores["imagebind_truth"] = imagebind_truth(folder, args.reference, args.imagebind)
        if clap is not None:
            value = frechet_distance(clap_vectors(sound_files(folder), args.clap), clap)
            scores["fad_clap"] = Estimate(value, np.nan, np.nan, len(clap))
        results.sets[name] = dict(scores)
    results.notes.append("fad_own is measured on our own embedding and compares with no other FAD")
    return give(results, args)
