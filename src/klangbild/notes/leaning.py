"""What is added to the model's log-odds while a piece is written, and when each part of it changes.

At the start of a section: the asked emotion's own pull (`lean.py`) and the tempo of the section it is like. After each bar: what
brings its tonality back to what was asked (`tonality.py`).
"""

from __future__ import annotations

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.notes.lean import lean_towards, pace_lean, pitch_class_lean, tempo_lean
from klangbild.notes.tonality import tonality_lean


class Leaning:
    """within (size,): log-odds added among the ids of a kind. overall (size,): added to an id whatever its kind, so that whole
    kinds come more often. emotion: the one asked; None leans on nothing but the tempo."""

    def __init__(self, size: int) -> None:
        self.within = self.overall = self._nothing = self._section = np.zeros(size)
        self._emotion: Emotion | None = None

    def open_section(self, emotion: Emotion | None, *, minor: bool | None, bpm: float | None) -> None:
        """A section of `bars` opens. minor: its mode, None before it is known. bpm: of the section it is like, if any."""
        self._emotion, self._section, self.overall = emotion, self._nothing, self._nothing
        if emotion is not None:
            self._section = lean_towards(emotion, None if minor is None else ("major", "minor")[minor])
            self.overall = pace_lean(emotion)
        if bpm is not None:
            self._section = self._section + tempo_lean(bpm)
        self.within = self._section

    def end_bar(self, section: list[int]) -> None:
        """A bar is complete. section: the ids of its section so far."""
        if self._emotion is not None:
            self.within = self._section + pitch_class_lean(tonality_lean(np.array(section), self._emotion))
