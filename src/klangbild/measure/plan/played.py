"""Held-out pairs, and the music that the plan model and the notes model make of them, one way and another; kept as MIDI below a folder.

Conventions
    A pair's noise is the same in every way, another for each pair. The notes model gets the plan, and nothing of picture and words beside it.
    What words say by name (players, tempo, mode, meter) is held, as when the program composes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from klangbild.contract import Request
from klangbild.emotion.space import Emotion
from klangbild.errors import InputError
from klangbild.measure.results import progress
from klangbild.models.bars.weights import load_notes_model
from klangbild.models.plan.caption_words import CaptionWords
from klangbild.models.plan.condition import Condition
from klangbild.models.plan.data.captions import caption
from klangbild.models.plan.data.pairs import PicturePairs
from klangbild.models.plan.data.prepared import PlanClips
from klangbild.models.plan.engine import DECODER, GuidancePair, PlanEngine
from klangbild.models.plan.model import PlanFlow
from klangbild.music.midi import read_midi, to_midi_bytes
from klangbild.music.piece import Piece
from klangbild.music.word_wishes import with_words
from klangbild.music.words import read_text
from klangbild.settings import Settings
from klangbild.whole_files import atomic_write


@dataclass(frozen=True)
class HeldOut:
    """rows (n,): held-out pairs, each of another picture."""

    pairs: PicturePairs
    plans: PlanClips
    rows: np.ndarray

    @property
    def axes(self) -> np.ndarray:
        """(n, 8) what the pictures ask for: valence, arousal, traits."""
        return self.pairs.axes[self.pairs.picture[self.rows]].astype(np.float64)

    def caption(self, row: int, *, seed: int = 0) -> str:
        """Words of a pair's plan without feelings, which are left to the picture; the same whoever else was drawn."""
        rng = np.random.default_rng([seed, row])
        return caption(self.plans, int(self.pairs.clip[row]), rng, feelings=0.0)

    def wrong_rows(self, *, seed: int = 0) -> np.ndarray:
        """(n,) for each pair another one, each once: a random cycle through all."""
        order = np.random.default_rng([seed, 1]).permutation(len(self.rows))
        other = np.empty(len(order), int)
        other[order] = np.roll(order, 1)
        return self.rows[other]


def choose(pairs: PicturePairs, plans: PlanClips, n: int, *, seed: int = 0) -> HeldOut:
    """n held-out pairs. Raises InputError: n is below 4, or there are fewer."""
    held = np.flatnonzero(pairs.heldout)
    held = held[np.unique(pairs.picture[held], return_index=True)[1]]
    if n < 4 or len(held) < n:
        raise InputError(
            f"{n} pictures: need 4 or more, and not more than the {len(held)} held-out pictures that there are"
        )
    return HeldOut(pairs, plans, np.sort(np.random.default_rng(seed).permutation(held)[:n]))


class Band:
    """Makes the music. bars: the length of each piece."""

    def __init__(self, model: PlanFlow, work: Path, *, bars: int, steps: int, guidance: float, seed: int) -> None:
        self.model, self.work, self.bars, self.steps, self.guidance, self.seed = (
            model,
            work,
            bars,
            steps,
            guidance,
            seed,
        )
        self.engine = PlanEngine(Settings(engine="art2mus"), model, load_notes_model(None, DECODER))
        self._nothing = model.words([0] * 12)

    def play(
        self, way: str, rows: np.ndarray, heard: Sequence[Condition], said: Sequence[str | None], *, part: str = ""
    ) -> list[Piece]:
        """A piece for each pair, rows (n,). heard: what the flow listens to; said: the words among it (None: none), whose wishes are held; part: the hash of
        the picture part, if there is one."""
        about = (
            way,
            part,
            self.model.sha256(str(self.engine.notes.facts["sha256"])),
            self.bars,
            self.steps,
            self.guidance,
            self.seed,
        )
        folder = self.work / f"{way}-{hashlib.sha256(repr(about).encode()).hexdigest()[:12]}"
        folder.mkdir(parents=True, exist_ok=True)
        pieces = []
        for row, condition, text in progress(list(zip(rows.tolist(), heard, said, strict=True)), text=way):
            file = folder / f"{row:05d}.mid"
            if not file.is_file():
                atomic_write(file, to_midi_bytes(self._piece(row, condition, text)))
            pieces.append(read_midi(file))
        return pieces

    def _piece(self, row: int, condition: Condition, text: str | None) -> Piece:
        seed = (row << 8) + self.seed
        plain: dict[str, Any] = {"seconds": None, "bars": self.bars, "steps": self.steps, "guidance": self.guidance}
        settings = Settings(engine="art2mus", text=text or "", **plain)
        nowhere = Emotion(0.0, 0.0)
        if text:
            settings = with_words(settings, read_text(text), seed=seed, asked=nowhere)
        words = CaptionWords((), (), (), (), {}, ())
        wish = GuidancePair(condition, self._nothing, words, (), {}, {}, ())
        request = Request(settings, seed, nowhere, nowhere, "text", (), None)
        planned = self.engine.planner(request, wish)
        return self.engine.notes.compose(nowhere, replace(settings, guidance=None), seed, planned=planned).piece
