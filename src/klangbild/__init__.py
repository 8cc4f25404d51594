"""klangbild: a picture goes in; music that fits it comes out, as notes (MIDI) and as sound.

    from klangbild import compose
    compose("lake.jpg", seconds=40, seed=7).save("out/")

Nothing heavy is loaded by importing this; each name below is fetched when it is first used.
"""

from __future__ import annotations

import os
from importlib import import_module

TYPE_CHECKING = False  # typing's own, without the time that importing it takes

__version__ = "0.1.0"

# since 1.29 onnxruntime reports its use to its maker, and keeps a number for this machine, unless this is set before it loads
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_PUBLIC = {
    "compose": "klangbild.composer",
    "Composer": "klangbild.composer",
    "edit": "klangbild.composer",
    "replay": "klangbild.composer",
    "Result": "klangbild.result",
    "Settings": "klangbild.settings",
    "Emotion": "klangbild.emotion.space",
    "EmotionPath": "klangbild.emotion.space",
    "Piece": "klangbild.music.piece",
    "Audio": "klangbild.sound.audio",
    "Picture": "klangbild.picture.picture",
    "KlangbildError": "klangbild.errors",
}
__all__ = ["__version__", *sorted(_PUBLIC)]

if TYPE_CHECKING:
    from klangbild.composer import Composer, compose, edit, replay
    from klangbild.emotion.space import Emotion, EmotionPath
    from klangbild.errors import KlangbildError
    from klangbild.music.piece import Piece
    from klangbild.picture.picture import Picture
    from klangbild.result import Result
    from klangbild.settings import Settings
    from klangbild.sound.audio import Audio


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'klangbild' has no attribute '{name}'")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value
