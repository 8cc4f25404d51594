"""Where our plan model `klangbild-plan` lies and how it is named; `model.PlanFlow` is the model.

    plan-words.onnx    words (n, 12) -> tokens (n, 12, D)
    plan-base.onnx     plans, time, what is listened to -> velocity
    plan-axes.npz      feeling and traits as numbers -> tokens
    plan-base.json     the card: the vocabulary, the licence, what was measured

A model is a folder: the package's own, or any other with files of these names. What it plans, the notes model that ships plays.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from klangbild.errors import InputError, NotAvailableError
from klangbild.models.plan.caption_words import CARD
from klangbild.shipped import weights_folder

NAME = "klangbild-plan"
BASE, WORDS, AXES = "plan-base.onnx", "plan-words.onnx", "plan-axes.npz"
VARIANT_OF = {None: "4", 0: "direct", 1: "1", 4: "4"}
"""Art2Mus's projection by `--image-tokens`."""
GONE = {
    "klangbild-small": "of spectrograms; its source at commit d1ef345 has it",
    "klangbild-roll": "of beats on a piano roll; its source at commit 3df72a7 has it",
}
"""Models that played these engines before, of sound and of beats."""


def read_card(folder: Path) -> dict[str, Any]:
    """A model's card. Raises InputError: it is damaged."""
    try:
        return dict(json.loads((folder / CARD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{folder / CARD}: is not the card of a plan model ({error})") from None


def installed_pictures(folder: Path | None = None) -> list[str]:
    """Which engines the model can play here: "art2mus", "melfusion", each with a picture part of its own."""
    folder = folder or shipped_folder()
    if not all((folder / name).is_file() for name in (WORDS, BASE, AXES)):
        return []
    return [name for name in ("art2mus", "melfusion") if any(folder.glob(f"plan-{name}*.npz"))]


def refuse_if_gone(name: str, *, source: str) -> None:
    """Raises NotAvailableError: the model of this name is one that klangbild does not have any more. source: who names it."""
    if name in GONE:
        raise NotAvailableError(
            f"{source}: the model {name} ({GONE[name]}) is no longer part of klangbild; {NAME} plays where no model is named"
        )


def model_folder(model: str | None) -> Path | None:
    """The folder of our plan model by its name or folder (None: the one that ships); None where it is not ours.

    Raises:
        NotAvailableError: the model is one that klangbild does not have any more.
    """
    if model in (None, "klangbild", NAME):
        return shipped_folder()
    refuse_if_gone(model, source="--model")
    folder = Path(model)
    return folder if (folder / BASE).is_file() else None


def plays(model: str | None) -> bool:
    """Whether a model by this name or folder is ours. Raises NotAvailableError: as `model_folder`."""
    return model_folder(model) is not None


def shipped_folder() -> Path:
    """Where the files of the model that ships are."""
    return weights_folder() / "plan"
