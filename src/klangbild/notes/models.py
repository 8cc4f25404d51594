"""Which note model is meant: the shipped ones by name, others by folder, each with the language it speaks."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from klangbild.errors import NotAvailableError, UsageError
from klangbild.notes.language import LoadedModel

SHIPPED = "klangbild"


def load_notes_model(
    name: str | None,
    conditioning: str,
    *,
    sampler: str = "klangbild",
    commercial: bool = False,
    threads: int = 1,
    device: str = "cpu",
) -> LoadedModel:
    """The model `name` (None or "klangbild": the shipped one, always on the CPU; else a name from `models list`, or a folder).

    Raises:
        NotAvailableError: it is not on this machine. UsageError: its licence forbids commercial use and that was asked
        for, or the sampler does not fit the model.
    """
    if name not in (None, SHIPPED):
        from klangbild.notes.foreign import load_foreign

        return load_foreign(name, conditioning, sampler=sampler, commercial=commercial, threads=threads, device=device)
    if sampler != "klangbild":
        raise UsageError("--sampler midi-emotion fits ARIA's models only; add --model aria, or leave --sampler out")
    from klangbild.notes.bars import BarsLanguage
    from klangbild.notes.runtime import load

    path = Path(str(files("klangbild") / "weights" / f"notes-{conditioning}.onnx"))
    if not path.exists():
        raise NotAvailableError(
            f"--conditioning {conditioning}: no such model ships with this version; "
            f"use {', '.join(shipped_conditionings())}, or train it with 'klangbild train notes'"
        )
    model = load(path, threads=threads)
    licence = model.card["licence"]
    refuse_if_noncommercial(f"{SHIPPED} notes ({conditioning})", licence, commercial)
    language = BarsLanguage()
    facts = {"name": f"notes-{conditioning}", "sha256": model.card["sha256"], "licence": licence}
    return LoadedModel(model, language, facts)


def shipped_conditionings() -> list[str]:
    """Which conditionings have weights in this installation."""
    folder = Path(str(files("klangbild") / "weights"))
    return sorted(p.stem.removeprefix("notes-") for p in folder.glob("notes-*.onnx"))


def refuse_if_noncommercial(name: str, licence: str, commercial: bool) -> None:
    """Raises UsageError when `commercial` and the licence says NC, or does not say anything."""
    if commercial and ("NC" in licence.upper().replace("-", " ").split() or "unstated" in licence.lower()):
        raise UsageError(
            f"--commercial: {name} is licensed {licence}, which forbids commercial use; choose another model"
        )
