"""The engines behind one door: each turns a `Request` into `EngineOutput`, and is loaded once by its name.

`notes` writes MIDI and plays it with a SoundFont. `art2mus` and `melfusion` are latent diffusion: straight to sound, or, with the
model that plays where none is named, to notes that a SoundFont plays.
"""

from __future__ import annotations

from klangbild.contract import Engine
from klangbild.settings import Settings


def load_engine(settings: Settings) -> Engine:
    """The engine that `settings.engine` names, with its model loaded.

    Raises:
        NotAvailableError: the engine or its model is not on this machine. UsageError: --commercial forbids its licence.
    """
    if settings.engine == "notes":
        from klangbild.notes.models import load_notes_model

        return load_notes_model(
            settings.model, settings.conditioning, sampler=settings.sampler, commercial=settings.commercial,
            device=settings.device,
        )  # fmt: skip
    from klangbild.diffusion import engine as diffusion_engine

    return diffusion_engine.load(settings)
