"""What a finished piece sounds like to the judges of emotion, beside what was asked of it: of the whole, and of each stretch of a course."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from klangbild.emotion.course import course_words
from klangbild.emotion.space import Emotion

_PLACES = 3


@dataclass(frozen=True)
class HeardStretch:
    """From `start_s` seconds on this was asked, and this is heard (None: too few notes to tell). Both on the music's plane, -1..1."""

    start_s: float
    asked: Emotion
    heard: Emotion | None


@dataclass(frozen=True)
class Heard:
    """emotion: as the judges hear the whole piece, on the music's plane. drafts: how many whole pieces were made for it, from which it
    was kept. stretches: where a course was asked for, at least two; else none."""

    emotion: Emotion
    drafts: int = 1
    stretches: tuple[HeardStretch, ...] = ()

    def words(self, asked: Emotion) -> str:
        """One line: what was asked (of a piece without a course) and what is heard.

        >>> Heard(Emotion(0.3, -0.6)).words(Emotion(0.8, -0.6))
        'asked for serene, heard as calm'
        """
        if not self.stretches:
            return f"asked for {asked.name}, heard as {self.emotion.name}"
        wished = course_words([(one.start_s, one.asked.name) for one in self.stretches])
        heard = course_words([(one.start_s, (one.heard or self.emotion).name) for one in self.stretches])
        return f"asked for {wished}; heard as {heard}"

    def as_dict(self, asked: Emotion) -> dict[str, Any]:
        """Plain JSON values, as they stand in a record."""
        kept = {**_place(self.emotion), "name": self.emotion.name, "drafts": self.drafts, "words": self.words(asked)}
        if self.stretches:
            kept["stretches"] = [
                {
                    "seconds": round(one.start_s, _PLACES), "asked": _place(one.asked),
                    "heard": None if one.heard is None else _place(one.heard),
                }
                for one in self.stretches
            ]  # fmt: skip
        return kept

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Heard:
        """The inverse of `as_dict`, of values that were checked."""
        stretches = tuple(
            HeardStretch(one["seconds"], _emotion(one["asked"]), one["heard"] and _emotion(one["heard"]))
            for one in values.get("stretches", ())
        )
        return cls(_emotion(values), values["drafts"], stretches)


def _place(emotion: Emotion) -> dict[str, float]:
    return {"valence": round(emotion.valence, _PLACES), "arousal": round(emotion.arousal, _PLACES)}


def _emotion(values: Mapping[str, Any]) -> Emotion:
    return Emotion(values["valence"], values["arousal"])
