"""What is kept of a piece (its record), what was asked read back from that, and an honest word where a replay cannot be exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from klangbild import record as records
from klangbild.contract import EngineOutput, Request
from klangbild.emotion.space import Emotion
from klangbild.errors import InputError, UsageError
from klangbild.models.roll.base import refuse_if_gone
from klangbild.settings import Settings


def record_of(
    request: Request, output: EngineOutput, *, told: Sequence[str], timings_s: dict[str, float]
) -> dict[str, Any]:
    """The record (`record.py`) of what was made of a request; its "sound" and "files" come later."""
    return {
        "klangbild": records.versions()["klangbild"],
        "schema": records.SCHEMA,
        "engine": request.settings.engine,
        "model": output.model,
        "seed": request.seed,
        "picture": request.picture_facts,
        "emotion": _emotion_record(request),
        "reasons": list(request.reasons),
        "told": list(told),
        "settings": replace(request.settings, seed=request.seed).as_dict(),
        "music": output.facts,
        "sound": None,
        "versions": records.versions(),
        "ai_generated": True,
        "timings_s": {name: round(seconds, 3) for name, seconds in timings_s.items()},
        "files": {},
        "device": output.device,
    }


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
    before, here = ((record.get("sound") or {}).get("soundfont") for record in (then, now))
    # a MIDI file and a piano roll do not know what played them
    if before and here and before["sha256"] != here["sha256"]:
        found.append(f"the SoundFont was {before['name']}, here it is {here['name']}, or another version of it")
    words = [record.get("music", {}).get("words_heard_as", {}) for record in (then, now)]
    found += [f'"{w}" was heard as "{words[0][w]}"' for w in words[0] if words[1].get(w) != words[0][w]]
    return found


def _emotion_record(request: Request) -> dict[str, Any]:
    e, a = request.emotion, request.asked
    return {
        "valence": round(e.valence, 4),
        "arousal": round(e.arousal, 4),
        "valence_spread": round(e.valence_spread, 4),
        "arousal_spread": round(e.arousal_spread, 4),
        "name": e.name,
        "source": request.source,
        "asked": {"valence": round(a.valence, 6), "arousal": round(a.arousal, 6)},
    }
