"""Settings -> who plays, and that engine with its model loaded; who there is stands in `models/registry.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klangbild.contract import Engine
from klangbild.errors import NotAvailableError, UsageError
from klangbild.models import registry
from klangbild.music.families import FAMILY_NAMES
from klangbild.settings import Settings

if TYPE_CHECKING:
    from klangbild.models.bars.notes_engine import NotesEngine


def player_of(settings: Settings) -> registry.Player:
    """Who will play. Raises NotAvailableError: the model is one that klangbild does not have any more."""
    return registry.player_of(settings.engine, settings.model)


def writes_notes(settings: Settings) -> bool:
    """Whether there will be notes, and so MIDI and a piano roll."""
    return player_of(settings).writes_notes


def families_of(settings: Settings) -> tuple[str, ...]:
    """The instrument families that the model plays."""
    place = player_of(settings).families
    return FAMILY_NAMES if place is None else registry.named(place)


def load_engine(settings: Settings) -> Engine:
    """The engine that the settings name, with its model loaded.

    Raises:
        NotAvailableError: the engine, its model, or a library that it needs is not on this machine. UsageError: --commercial
            forbids its licence.
    """
    player = player_of(settings)
    try:
        load = registry.named(player.load)
    except ModuleNotFoundError as error:
        if player.needs is None:
            raise
        raise NotAvailableError(
            f"--model {settings.model}: a published system needs {error.name}, which is not installed; "
            f"run: pip install 'klangbild[{player.needs}]', or leave --model out for the model that ships"
        ) from None
    return load(settings)


def load_notes_engine(settings: Settings) -> NotesEngine:
    """As `load_engine`, for a caller that asks for notes by an emotion, without a picture. Raises UsageError: it is a sound engine."""
    from klangbild.models.bars.notes_engine import NotesEngine

    engine = load_engine(settings)
    if not isinstance(engine, NotesEngine):
        raise UsageError(f"--engine {settings.engine}: is asked by pictures and words; use --engine notes")
    return engine
