"""The notes engine: a model, the language it speaks and the way that both compose, so that no caller has to know which they are.

The emotion-conditioned transformer writes notes, as in ARIA; whoever wants their sound plays them with a SoundFont.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from klangbild.contract import EngineOutput, NoteLanguage, NoteModel, OnBar, OnProgress, Request
from klangbild.emotion.space import Emotion
from klangbild.models.bars.engine import Composition, Planner
from klangbild.music.describe import music_facts
from klangbild.music.form_words import form_words
from klangbild.music.piece import Piece
from klangbild.picture.voice import Voice
from klangbild.settings import Settings


@dataclass(frozen=True)
class NotesEngine:
    """A notes model, loaded (`models.load_notes_model`).

    facts: what a result's record says of the model: {"name", "sha256", "licence"}. way: `engine.compose_notes`, or its like
    for another language.
    """

    model: NoteModel
    language: NoteLanguage
    facts: dict[str, Any]
    way: Callable[..., Composition]
    name: str = "notes"

    def compose(
        self,
        asked: Emotion,
        settings: Settings,
        seed: int,
        *,
        voice: Voice | None = None,
        on_progress: OnProgress | None = None,
        on_bar: OnBar | None = None,
        planned: Planner | None = None,
    ) -> Composition:
        """The best of `settings.candidates` pieces for the asked emotion; see `engine.compose_notes`."""
        more = {} if planned is None else {"planned": planned}
        return self.way(
            asked, settings, seed, model=self.model, language=self.language, voice=voice, on_progress=on_progress,
            on_bar=on_bar, **more,
        )  # fmt: skip

    def play(
        self, request: Request, *, on_progress: OnProgress | None, on_bar: OnBar | None, planned: Planner | None = None
    ) -> EngineOutput:
        """See `contract.Engine`; planned: see `engine.compose_notes`."""
        started = time.perf_counter()
        composition = self.compose(
            request.asked,
            request.settings,
            request.draw_seed,
            voice=request.voice,
            on_progress=on_progress,
            on_bar=on_bar,
            planned=planned,
        )
        composed = time.perf_counter()
        facts = music_facts(composition.piece)
        if form := form_words(composition.piece):
            facts["form"] = form
        facts["tokens"] = composition.n_tokens
        if len(composition.scores) > 1:
            facts["candidates"] = [score.as_dict() for score in composition.scores]
            facts["chosen"] = composition.chosen
        return EngineOutput(
            piece=composition.piece,
            stems=None,
            model=self.facts,
            facts=facts,
            timings_s={"notes": composed - started},
            stopped=composition.stopped,
            device=str(getattr(self.model, "device", "cpu")),
            length_s=None if composition.stopped else _length_s(composition.piece, request.settings),
            told=composition.told,
            heard=composition.heard,
        )


def _length_s(piece: Piece, settings: Settings) -> float | None:
    """How long the sound is to be; None: as long as it rings."""
    return settings.seconds if settings.exact else piece.seconds if piece.loops else None
