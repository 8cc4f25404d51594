"""Where our sound model `klangbild-roll` lies, what is asked of it, and what it gives back. `roll_model.RollSound` is the model.

    sound-words.onnx    words (n, 12) -> tokens (n, 12, D)
    sound-base.onnx     latents, time, what is listened to -> velocity
    sound-base.json     the card: which latent it is, the vocabulary, the licence
    roll-latent.npz     latents -> notes

A model is a folder: the package's own, or any other with files of these names.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from klangbild.emotion.space import Emotion
from klangbild.errors import InputError, NotAvailableError
from klangbild.models.roll.caption_words import CARD
from klangbild.music.piece import Piece
from klangbild.shipped import weights_folder

NAME = "klangbild-roll"
BASE, WORDS = "sound-base.onnx", "sound-words.onnx"
VARIANT_OF = {None: "4", 0: "direct", 1: "1", 4: "4"}
"""Art2Mus's projection by `--image-tokens`."""
GONE = "klangbild-small"
"""The model over spectrograms, which had no beat."""


@dataclass(frozen=True)
class SoundRequest:
    """What is asked of the sound beside words and picture. seconds: None where `bars` are given; words: those that were heard;
    tempo (bpm), key, families that play and families that do not: None, the model's own choice."""

    seconds: float | None
    feeling: Emotion
    words: tuple[str, ...] = ()
    tempo: float | None = None
    key: str | None = None
    bars: int | None = None
    instruments: tuple[str, ...] | None = None
    without: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Rendered:
    """Notes, how long they are to sound, and what the record says beside."""

    seconds: float
    piece: Piece
    facts: dict[str, Any] = field(default_factory=dict)


def read_card(folder: Path) -> dict[str, Any]:
    """A model's card. Raises InputError: it is damaged."""
    try:
        return dict(json.loads((folder / CARD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{folder / CARD}: is not the card of a sound model ({error})") from None


def installed_pictures(folder: Path | None = None) -> list[str]:
    """Which engines the model can play here: "art2mus", "melfusion", each with a picture part of its own."""
    folder = folder or shipped_folder()
    if not all((folder / name).is_file() for name in (WORDS, BASE)):
        return []
    return [name for name in ("art2mus", "melfusion") if any(folder.glob(f"sound-{name}*.npz"))]


def refuse_if_gone(name: str, *, source: str) -> None:
    """Raises NotAvailableError: the model of this name is one that klangbild does not have any more. source: who names it."""
    if name == GONE:
        raise NotAvailableError(
            f"{source}: the model {GONE} (spectrograms) is no longer part of klangbild; its source at commit d1ef345 has it, "
            f"and {NAME} plays where no model is named"
        )


def model_folder(model: str | None) -> Path | None:
    """The folder of our sound model by its name or folder (None: the one that ships); None where it is not ours.

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
    return weights_folder() / "roll"
