"""From what was asked to its record, back from a record to what was asked, and an honest word where a replay cannot be exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from klangbild.contract import EngineOutput, Request
from klangbild.errors import InputError, UsageError
from klangbild.models.plan.base import refuse_if_gone
from klangbild.record.facts import EmotionFacts, ModelFacts, MusicFacts, Record, Run, versions

if TYPE_CHECKING:
    from klangbild.picture.picture import Picture


def record_of(request: Request, output: EngineOutput, *, told: Sequence[str], timings_s: Mapping[str, float]) -> Record:
    """What was made of a request; the sound and the files come later."""
    used = versions()
    return Record(
        klangbild=used["klangbild"],
        settings=request.settings.with_seed(request.seed),
        model=ModelFacts(**output.model),
        picture=request.picture_facts,
        emotion=EmotionFacts(request.emotion, request.asked, request.source, request.kind),
        reasons=tuple(request.reasons),
        music=MusicFacts(output.facts),
        sound=None,
        versions=used,
        voice=request.voice,
        heard=output.heard,
        run=Run(tuple(told), {name: round(seconds, 3) for name, seconds in timings_s.items()}, device=output.device),
    )


def request_of(record: Record, *, picture: Any = None) -> Request:
    """What was asked, read back from a record. picture: the very same, where it is needed again.

    Raises:
        NotAvailableError: it was made by a model that klangbild does not have any more. InputError: another picture was given.
        UsageError: none was given, and its engine looks at pictures.
    """
    refuse_if_gone(record.model.name, source="this piece's record")
    settings = record.settings
    if settings.soundfont is not None:
        from klangbild.sound.fonts import find_again

        played = record.sound.soundfont if record.sound else None
        settings = replace(settings, soundfont=find_again(settings.soundfont, vars(played) if played else None))
    facts, seen = record.picture, None
    if picture is not None:
        seen = picture_of(record, picture)
    elif record.engine != "notes" and facts and record.edit is None:
        raise UsageError(f"the {record.engine} engine needs its picture again; add --picture {facts.name}")
    felt = record.emotion
    # a sound engine's piece from before words were translated plays as its English words say
    translate = record.engine == "notes" or "words_translated" in record.music.facts
    return Request(
        settings,
        record.seed,
        felt.own,
        felt.asked,
        felt.source,
        record.reasons,
        facts,
        seen,
        record.voice,
        translate,
        kind=felt.kind,
    )


def picture_of(record: Record, picture: Any) -> Picture:
    """The picture that a piece was made from. Raises InputError: it is another one, or cannot be used."""
    from klangbild.picture.load import load_picture

    seen, facts = load_picture(picture, words=record.settings.text), record.picture
    if facts and seen.sha256 != facts.sha256:
        raise InputError(
            f"{picture}: is not the picture this piece was made from (its sha256 differs); give the same file"
        )
    return seen


def differences(then: Record, now: Record) -> list[str]:
    """Why a replay may not be exact: the model, a library, or (once both sounds are made) the SoundFont differs. Empty when
    nothing does."""
    found = []
    if then.model.sha256 != now.model.sha256:
        found.append(f"model {then.model.name} was another version")
    if then.versions.get("composing", "1") != now.versions["composing"]:
        found.append("it was composed by other rules, those of an older klangbild")
    for name, version in then.versions.items():
        if name in ("composing", "playing"):
            continue
        if now.versions.get(name) != version:
            found.append(f"{name} was {version}, here it is {now.versions.get(name)}")
    before, here = (record.sound.soundfont if record.sound else None for record in (then, now))
    # a MIDI file and a piano roll do not know what played them
    if before and here and then.versions.get("playing", "1") != now.versions["playing"]:
        found.append(
            "it was played by other rules, those of an older klangbild: the notes are the same, the sound is not"
        )
    if before and here and before.sha256 != here.sha256:
        found.append(f"the SoundFont was {before.name}, here it is {here.name}, or another version of it")
    elif here and then.settings.soundfont != now.settings.soundfont and now.settings.soundfont is None:
        found.append(f"the SoundFont {then.settings.soundfont} is not here, {here.name} played")
    words, words_here = then.music.words_heard_as, now.music.words_heard_as
    return found + [f'"{w}" was heard as "{words[w]}"' for w in words if words_here.get(w) != words[w]]
