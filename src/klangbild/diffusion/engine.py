"""The sound engines behind the house's one door: `compose(picture, engine="art2mus" | "melfusion")`.

Without a model (or with `--model klangbild-small`, or a folder of such files) our own small model plays, which ships and
needs no torch (`small_engine.py`); with `--model DIR` the published systems do (`published_engine.py`, extra `diffusion`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from klangbild.diffusion.small_model import FILES, NAME, open_small_sound
from klangbild.errors import NotAvailableError
from klangbild.settings import Settings


def load(settings: Settings) -> Any:
    """The engine that the settings name, with its model found.

    Raises:
        NotAvailableError: its model, or a library that it needs, is not here. UsageError: its licence forbids commercial use.
    """
    ships = settings.model in (None, NAME, "klangbild")
    if ships or (Path(str(settings.model)) / FILES[1]).is_file():
        from klangbild.diffusion.small_engine import SmallEngine

        return SmallEngine(settings, open_small_sound(None if ships else Path(str(settings.model))))
    try:
        from klangbild.diffusion.published_engine import PublishedEngine
    except ModuleNotFoundError as error:
        raise NotAvailableError(
            f"--model {settings.model}: a published system needs {error.name}, which is not installed; "
            "run: pip install 'klangbild[diffusion]', or leave --model out for the model that ships"
        ) from None
    return PublishedEngine(settings)
