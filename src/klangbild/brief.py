"""What an engine is given and what it gives back: `Brief` and `Music`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from klangbild.emotion.space import Emotion
from klangbild.settings import Settings

if TYPE_CHECKING:
    from klangbild.notes.piece import Piece
    from klangbild.picture.picture import Picture
    from klangbild.sound.audio import Audio

OnProgress = Callable[[float, float], bool | None]
"""Called with (done, total) now and then; False means: stop, and keep what exists."""


@dataclass(frozen=True)
class Brief:
    """What is asked of the music: all that an engine needs, and all that `replay` must know. `picture` may be gone by then."""

    settings: Settings
    seed: int
    emotion: Emotion
    asked: Emotion
    source: str
    reasons: tuple[str, ...]
    picture_facts: dict[str, Any] | None
    picture: Picture | None = None


@dataclass(frozen=True)
class Music:
    """What an engine made: notes, or sound where a model makes it without notes.

    piece: the notes, which are played when somebody asks for their sound. stems: without notes, the sound, not yet mixed.
    model: {"name", "sha256", "licence"}. facts: the record's "music". timings_s: seconds per step. length_s: how long the sound
    is to be, its end faded; None: as long as it sounds. told: what the asker should know of wishes that were not quite granted.
    """

    piece: Piece | None
    stems: list[tuple[str, Audio]] | None
    model: dict[str, Any]
    facts: dict[str, Any]
    timings_s: dict[str, float] = field(default_factory=dict)
    stopped: bool = False
    device: str = "cpu"
    length_s: float | None = None
    told: tuple[str, ...] = ()
