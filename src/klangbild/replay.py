"""The same piece again, from any file that carries its record, and an honest word where it cannot be exact."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from klangbild import record as records
from klangbild.compose import Composer
from klangbild.contract import Request
from klangbild.diffusion.small_model import refuse_if_gone
from klangbild.emotion.space import Emotion
from klangbild.errors import InputError, UsageError
from klangbild.result import Result
from klangbild.settings import Settings


def replay(
    path: str | Path, *, picture: Any = None, on_progress: Callable[[float, float], bool | None] | None = None
) -> Result:
    """Make the piece again from a .json, .mid, .wav, .flac, .mp3, .ogg or .png of ours.

    picture: needed by sound engines, and by the piano roll's thumbnail; it must be the very same file (sha256).

    Raises:
        InputError: the file carries no record or a damaged one, or another picture was given.
    """
    return replay_record(records.read(path), picture=picture, on_progress=on_progress)


def replay_record(
    record: dict[str, Any], *, picture: Any = None, on_progress: Callable[[float, float], bool | None] | None = None
) -> Result:
    """As `replay`, from the record itself."""
    request = request_of(records.checked(record), picture=picture)
    return Composer().perform(request, on_progress=on_progress)


def request_of(record: dict[str, Any], *, picture: Any = None) -> Request:
    """What was asked, read back from a record.

    Raises:
        NotAvailableError: it was made by a model that klangbild does not have any more.
    """
    from klangbild.picture.load import load_picture

    refuse_if_gone(str(record["model"]["name"]), source="this piece's record")
    settings = Settings.from_dict(record["settings"])
    emotion = record["emotion"]
    facts = record.get("picture")
    seen = None
    if picture is not None:
        seen = load_picture(picture, words=settings.text)
        if facts and seen.sha256 != facts["sha256"]:
            raise InputError(
                f"{picture}: is not the picture this piece was made from (its sha256 differs); give the same file"
            )
    elif settings.engine != "notes" and facts:
        raise UsageError(f"the {settings.engine} engine needs its picture again; add --picture {facts['name']}")
    return Request(
        settings,
        int(record["seed"]),
        Emotion(emotion["valence"], emotion["arousal"], emotion["valence_spread"], emotion["arousal_spread"]),
        Emotion(emotion["asked"]["valence"], emotion["asked"]["arousal"]),
        emotion["source"],
        tuple(record["reasons"]),
        facts,
        seen,
    )


def differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Why a replay may not be exact: the model, a library, or (once both sounds are made) the SoundFont differs. Empty when
    nothing does."""
    found = []
    if then["model"].get("sha256") != now["model"].get("sha256"):
        found.append(f"model {then['model']['name']} was another version")
    for name, version in then.get("versions", {}).items():
        if now["versions"].get(name) != version:
            found.append(f"{name} was {version}, here it is {now['versions'].get(name)}")
    fonts = [(record.get("sound") or {}).get("soundfont") for record in (then, now)]
    if (
        all(fonts) and fonts[0]["sha256"] != fonts[1]["sha256"]
    ):  # a MIDI file and a piano roll do not know what played them
        found.append(f"the SoundFont was {fonts[0]['name']}, here it is {fonts[1]['name']}, or another version of it")
    words = [record.get("music", {}).get("words_heard_as", {}) for record in (then, now)]
    found += [f'"{w}" was heard as "{words[0][w]}"' for w in words[0] if words[1].get(w) != words[0][w]]
    return found


class _Door(types.ModuleType):
    """`klangbild.replay` is this module and the function of the same name: calling it does what both would."""

    def __call__(self, *args: Any, **kwargs: Any) -> Result:
        return replay(*args, **kwargs)


sys.modules[__name__].__class__ = _Door
