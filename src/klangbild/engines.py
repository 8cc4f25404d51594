"""The engines behind one door: each turns a `Brief` into `Music`, and is loaded once by its name.

`notes` writes MIDI and plays it with a SoundFont. `art2mus` and `melfusion` are latent diffusion: straight to sound, or, with the
model that plays where none is named, to notes that a SoundFont plays.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from klangbild.brief import Brief, Music, OnProgress
from klangbild.settings import Settings

if TYPE_CHECKING:
    from klangbild.notes.piece import Piece


class NotesEngine:
    """ARIA's way: the emotion-conditioned transformer writes notes."""

    def __init__(self, settings: Settings) -> None:
        from klangbild.notes.models import load_notes_model

        self.loaded = load_notes_model(
            settings.model, settings.conditioning, sampler=settings.sampler, commercial=settings.commercial,
            device=settings.device,
        )  # fmt: skip

    def play(self, brief: Brief, *, on_progress: OnProgress | None, on_bar: Callable[[Piece], None] | None) -> Music:
        from klangbild.notes.describe import music_facts

        started = time.perf_counter()
        composition = self.loaded.compose(
            brief.asked, brief.settings, brief.seed, on_progress=on_progress, on_bar=on_bar
        )
        composed = time.perf_counter()
        facts = music_facts(composition.piece)
        facts["tokens"] = composition.n_tokens
        if len(composition.scores) > 1:
            facts["candidates"] = [score.as_dict() for score in composition.scores]
            facts["chosen"] = composition.chosen
        return Music(
            composition.piece,
            None,
            self.loaded.facts,
            facts,
            {"notes": composed - started},
            composition.stopped,
            device=str(getattr(self.loaded.model, "device", "cpu")),
        )


def load_engine(settings: Settings) -> Any:
    """The engine that `settings.engine` names, with its model loaded.

    Raises:
        NotAvailableError: the engine or its model is not on this machine. UsageError: --commercial forbids its licence.
    """
    if settings.engine == "notes":
        return NotesEngine(settings)
    from klangbild.diffusion import engine as diffusion_engine

    return diffusion_engine.load(settings)
