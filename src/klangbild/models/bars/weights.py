"""Our notes models: the shipped ones by name, others by folder; loaded with the language they speak."""

from __future__ import annotations

from pathlib import Path

from klangbild.errors import NotAvailableError, UsageError
from klangbild.models.bars.conditioning import MODES
from klangbild.models.bars.notes_engine import NotesEngine
from klangbild.models.bars.runtime import PATCH, load
from klangbild.settings import Settings
from klangbild.shipped import refuse_if_noncommercial, weights_folder

SHIPPED = "klangbild"


def load_notes_model(
    name: str | None,
    conditioning: str,
    *,
    sampler: str = "klangbild",
    commercial: bool = False,
    threads: int = 1,
) -> NotesEngine:
    """The model `name` (None or "klangbild": the shipped one; else a folder of `klangbild train export notes --out DIR`), on the CPU.

    Raises:
        NotAvailableError: it is not on this machine. UsageError: its licence forbids commercial use and that was asked
        for, or the sampler does not fit the model.
    """
    folder = _own_folder(name)
    if folder is None and name not in (None, SHIPPED):
        raise NotAvailableError(f"{name}: is no folder with models of 'klangbild train export notes'; check the path")
    if sampler != "klangbild":
        raise UsageError("--sampler midi-emotion fits ARIA's models only; add --model aria, or leave --sampler out")
    from klangbild.models.bars.engine import compose_notes
    from klangbild.models.bars.language import BarsLanguage

    path = model_file(folder or weights_folder(), conditioning)
    if path is None:
        where = f"{folder}: has" if folder else "this version ships with"
        raise NotAvailableError(
            f"--conditioning {conditioning}: {where} no such model; "
            f"use {', '.join(conditionings(folder))}, or train it with 'klangbild train notes'"
        )
    model = load(path, threads=threads)
    licence = model.card.get("licence", "unstated")
    refuse_if_noncommercial(f"{folder or SHIPPED} notes ({conditioning})", licence, commercial)
    language = BarsLanguage()
    facts = {"name": f"notes-{conditioning}", "sha256": model.card["sha256"], "licence": licence}
    return NotesEngine(model, language, facts, compose_notes)


def load_engine(settings: Settings) -> NotesEngine:
    """The model that the settings name; see `load_notes_model`."""
    return load_notes_model(
        settings.model,
        settings.conditioning,
        sampler=settings.sampler,
        commercial=settings.commercial,
    )


def shipped_conditionings() -> list[str]:
    """Which conditionings have weights in this installation."""
    return conditionings(None)


def conditionings(folder: Path | None) -> list[str]:
    """Which conditionings a folder of `klangbild train export notes` has; None: this installation."""
    return [mode for mode in sorted(MODES) if model_file(folder or weights_folder(), mode)]


def model_file(folder: Path, conditioning: str) -> Path | None:
    """The file of a folder's model, whole or kept as a difference (`weight_patch.py`); None: it has none."""
    for suffix in (".onnx", PATCH):
        path = folder / f"notes-{conditioning}{suffix}"
        if path.is_file():
            return path
    return None


def is_ours(name: str | None) -> bool:
    """Whether a model is one of ours."""
    return name in (None, SHIPPED) or _own_folder(name) is not None


def _own_folder(name: str | None) -> Path | None:
    """The folder that `name` is, if it holds models of `klangbild train export notes`."""
    folder = Path(name) if name else None
    return folder if folder and folder.is_dir() and conditionings(folder) else None
