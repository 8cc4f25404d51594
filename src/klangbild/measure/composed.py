"""Pieces that a measurement composes, kept in a folder: what is there already is not made again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from klangbild.emotion.space import Emotion
from klangbild.errors import InputError
from klangbild.measure.results import progress
from klangbild.models.engines import load_notes_engine
from klangbild.music.midi import to_midi_bytes
from klangbild.settings import Settings
from klangbild.whole_files import atomic_write


def compose_into(
    folder: Path,
    wanted: Sequence[tuple[str, Emotion, int]],
    settings: Settings,
    *,
    model: str | None,
    mark: str,
    drawn: dict[str, int] | None = None,
) -> list[Path]:
    """One .mid for each (name, asked emotion, seed), by the notes model `model` (None: the shipped one).

    The file `mark` in the folder says by which model and settings, and by which numbers (`drawn`) the wanted were drawn, where
    the names do not say it.

    Raises:
        InputError: the folder holds pieces of another model or other settings.
    """
    loaded = load_notes_engine(replace(settings, model=model))
    about: dict[str, Any] = {
        "model": loaded.facts.get("sha256"), "seconds": settings.seconds, "guidance": settings.guidance,
        "candidates": settings.candidates, **(drawn or {}),
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    refuse_other_settings(folder / mark, about)
    atomic_write(folder / mark, json.dumps(about).encode())
    paths = []
    for name, emotion, seed in progress(wanted, text="composing"):
        path = folder / f"{name}.mid"
        if not path.is_file():
            atomic_write(path, to_midi_bytes(loaded.compose(emotion, settings, seed).piece))
        paths.append(path)
    return paths


def refuse_other_settings(mark: Path, about: dict[str, Any]) -> None:
    """Raises InputError: the file `mark` tells of other settings than these, or of none that can be read."""
    if not mark.is_file():
        return
    try:
        told = json.loads(mark.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(f"{mark}: is damaged; delete it, or give another folder with --work") from None
    if told != about:
        raise InputError(
            f"{mark.parent}: holds music of another model or other settings; give another folder with --work"
        )
