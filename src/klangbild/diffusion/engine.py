"""The sound engines behind the house's one door: `compose(picture, engine="art2mus" | "melfusion")`.

Without a model (or with `--model klangbild-roll`, or a folder of such files) a small model of our own plays,
which ships and needs no torch (`small_engine.py`); with `--model DIR` the published systems do (`published_engine.py`, extra
`diffusion`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from klangbild.diffusion.small_model import BASE, NAME, Asked, refuse_if_gone, shipped_folder
from klangbild.emotion.space import Emotion
from klangbild.errors import NotAvailableError
from klangbild.settings import Settings


def load(settings: Settings) -> Any:
    """The engine that the settings name, with its model found.

    Raises:
        NotAvailableError: its model, or a library that it needs, is not here. UsageError: its licence forbids commercial use.
    """
    folder = small_folder(settings)
    if folder is not None:
        from klangbild.diffusion.roll_model import open_small_sound
        from klangbild.diffusion.small_engine import SmallEngine

        return SmallEngine(settings, open_small_sound(folder))
    try:
        from klangbild.diffusion.published_engine import PublishedEngine
    except ModuleNotFoundError as error:
        raise NotAvailableError(
            f"--model {settings.model}: a published system needs {error.name}, which is not installed; "
            "run: pip install 'klangbild[diffusion]', or leave --model out for the model that ships"
        ) from None
    return PublishedEngine(settings)


def small_folder(settings: Settings) -> Path | None:
    """The folder of the small model that plays; None for a published system.

    Raises:
        NotAvailableError: the model is one that klangbild does not have any more.
    """
    if settings.model in (None, "klangbild", NAME):
        return shipped_folder()
    refuse_if_gone(settings.model, source="--model")
    folder = Path(settings.model)
    return folder if (folder / BASE).is_file() else None


def refuse_instruments(settings: Settings) -> None:
    """Raises UsageError: of the instruments asked for two cannot play at once."""
    from klangbild.diffusion.roll_model import allowed_of

    allowed_of(Asked(None, Emotion(0, 0), instruments=settings.instruments))
