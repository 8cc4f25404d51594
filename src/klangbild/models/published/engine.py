"""What the published sound systems share behind the house's one door: `compose(picture, engine=..., model=DIR)`.

A system is a class below `PublishedEngine` (`models/published/art2mus/engine.py`, `models/published/melfusion/engine.py`), named in `models/registry.py`. They load from an added model or a folder (what is in it: `where.py`), or, for Art2Mus by words, a hub name that is in the cache.
What sees pictures is loaded when the first one comes.

`--precision` and `--offload` say how and where its parts compute (`placement.py`).
Below 100 steps the faster solver (DPM++) is used, from 100 on DDIM, as published; default 25 steps.
"""

from __future__ import annotations

import hashlib
import os
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import torch

from klangbild.contract import EngineOutput, OnBar, OnProgress, Request
from klangbild.errors import InputError, UsageError
from klangbild.models.published.denoise import Solver
from klangbild.models.published.first_minute import loaded, say, tell_pace, too_large
from klangbild.models.published.folders import first_line
from klangbild.models.published.licences import licence_of
from klangbild.models.published.placement import choose_placement
from klangbild.models.published.ranking import Candidate
from klangbild.models.published.where import find_folder, refuse_incomplete
from klangbild.settings import Settings
from klangbild.sound.audio import Audio

DEFAULT_STEPS = 25
DDIM_FROM = 100  # steps


class PublishedEngine(ABC):
    """A published system. One pipeline is held, for the device, precision and `variant` asked for last."""

    name: str

    def __init__(self, settings: Settings) -> None:
        self.model = str(settings.model)
        self.folder = find_folder(self.model)
        refuse_incomplete(settings)
        self._loaded: tuple[tuple[Any, ...], Any] | None = None
        """What the pipeline was loaded for, and the pipeline."""
        self._loading_s = 0.0
        """Spent on loading since the last piece: the piece that needed it tells it."""
        self._pipeline(settings)
        self._sha256 = folder_hash(self.folder)

    @abstractmethod
    def open(self, settings: Settings, **options: Any) -> Any:
        """The pipeline for these settings. options: device, commercial, and where and how its parts are kept."""

    def notices(self) -> list[str]:
        """What is said before anything is loaded."""
        return []

    def folders(self) -> list[Path]:
        """Where the weights are that words need."""
        return [self.folder]

    def variant(self, settings: Settings) -> Any:
        """What of the settings asks for another pipeline."""
        return None

    @abstractmethod
    def asked(self, settings: Settings) -> dict[str, Any]:
        """What a pipeline is asked for beside what all of them are."""

    def told(self, pipeline: Any) -> dict[str, Any]:
        """What the record's "music" says of the pipeline."""
        return {}

    def play(self, request: Request, *, on_progress: OnProgress | None, on_bar: OnBar | None) -> EngineOutput:
        """A `Request` (picture, words, settings, seed) -> one sound, the best of the candidates."""
        settings = request.settings
        seconds = settings.length_seconds
        if seconds is None:
            raise UsageError("--bars and --gen-len are lengths of notes; give --seconds to a sound engine")
        refuse_incomplete(settings, picture=request.picture is not None)
        pipeline = self._pipeline(settings)
        if request.picture is not None and settings.synapse > 0:
            started = time.perf_counter()
            if pipeline.see(judging=settings.candidates > 1):
                say(loaded(pipeline.networks(), pipeline.placement, time.perf_counter() - started))
            self._loading_s += time.perf_counter() - started
        pipeline.on_pace = tell_pace
        loading_s, self._loading_s = self._loading_s, 0.0
        begun = time.perf_counter()
        if settings.candidates > 1 and not pipeline.can_judge(
            picture=request.picture is not None, words=bool(settings.text)
        ):
            raise UsageError(
                f"--candidates: {self.model} has nothing that could say which of them fits best; leave --candidates out"
            )
        told: list[str] = []
        pipeline.announce = told.append
        if settings.offload and pipeline.placement.device.type == "cpu":
            told.append("--offload: on the CPU every part is in main memory anyway; attention is computed in slices")
        steps = settings.steps or DEFAULT_STEPS
        solver: Solver = "ddim" if steps >= DDIM_FROM else "dpm++"
        shared: dict[str, Any] = {
            "words": settings.text,
            "seconds": seconds,
            "steps": steps,
            "solver": solver,
            "candidates": settings.candidates,
            "seed": request.seed,
            "on_progress": on_progress,
            **self.asked(settings),
        }
        made: list[Candidate] = self._made(pipeline, request.picture, shared)
        best = made[0]
        facts: dict[str, Any] = {"seconds": round(best.audio.seconds, 3), "solver": solver, "steps": steps}
        if len(made) > 1:
            facts["candidates"] = [candidate.score for candidate in sorted(made, key=lambda c: c.index)]
            facts["chosen"] = best.index
        facts |= self.told(pipeline)
        return EngineOutput(
            told=tuple(told),
            stems=[("music", Audio(np.repeat(best.audio.samples, 2, axis=0), best.audio.rate))],  # the mix is stereo
            piece=None,
            model=self.facts(),
            facts=facts,
            timings_s={"load": loading_s, "sound": time.perf_counter() - begun},
            device=str(pipeline.placement.device),
        )

    def _made(self, pipeline: Any, picture: Any, shared: dict[str, Any]) -> list[Candidate]:
        """What the pipeline makes. Raises InputError: the parts of this folder do not work together, or need more memory."""
        try:
            return pipeline(picture, **shared)
        except torch.OutOfMemoryError as error:
            raise InputError(
                f"--model {self.model}: needs more memory than {pipeline.placement.device} has; give --precision float16 or "
                "bfloat16, --offload, fewer --candidates or a shorter --seconds"
            ) from error
        except (RuntimeError, IndexError, ValueError, ArithmeticError) as error:
            # each part alone is what it says it is; widths that do not meet show when they are joined
            raise InputError(
                f"{self.folder}: its parts do not work together ({first_line(error)}); one may be of another model, fetch "
                "the whole model again"
            ) from error

    def facts(self) -> dict[str, Any]:
        """The record's "model"."""
        return {
            "name": self.model,
            "sha256": self._sha256,
            "licence": licence_of(self.model, self.folder).name,
        }

    def _pipeline(self, settings: Settings) -> Any:
        key = (self.variant(settings), settings.device, settings.precision, settings.offload, settings.commercial)
        if self._loaded is None or self._loaded[0] != key:
            started = time.perf_counter()
            self._loaded = None  # first: two of these systems are more than most machines hold
            options = {
                "device": settings.device,
                "precision": None if settings.precision == "auto" else settings.precision,
                "offload": settings.offload,
                "slicing": settings.offload,
                "commercial": settings.commercial,
            }
            placement = choose_placement(settings.device, options["precision"])
            for line in (*self.notices(), f"loading {self.model} ..."):
                say(line)
            if small := too_large(self.folders(), placement):
                say(small)
            self._loaded = key, self.open(settings, **options)
            self._loading_s += time.perf_counter() - started
            say(loaded(self._loaded[1].networks(), placement, time.perf_counter() - started))
        return self._loaded[1]


def folder_hash(folder: Path) -> str:
    """One hash of a model's folder: every file's name and size, and what is in it; behind links too, as in a hub's cache.
    Every byte is read: a second or two a gigabyte, where one step of such a model takes longer.

    Raises:
        InputError: there is no file in it.
    """
    digest = hashlib.sha256()
    files = _files_of(folder)
    if not files:
        raise InputError(f"{folder}: holds no files; fetch the model again")
    for name, path in sorted(files.items()):
        size = path.stat().st_size
        digest.update(f"{name}\0{size}\0".encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _files_of(folder: Path) -> dict[str, Path]:
    """The files below a folder by their names in it, links followed; a folder that leads back into itself is entered once."""
    files: dict[str, Path] = {}
    entered: set[str] = set()
    for root, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        paths = [Path(root, name) for name in names]
        files |= {path.relative_to(folder).as_posix(): path for path in paths if path.is_file()}
    return files
