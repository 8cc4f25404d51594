"""An edit done: what is asked, of a source, becomes a MIDI file with its record. Equal source, wish and seed give equal bytes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from klangbild.contract import OnProgress
from klangbild.editing.parts import opened, parts_named
from klangbild.editing.rewrite import written_anew
from klangbild.editing.source import Source
from klangbild.editing.wish import Wish
from klangbild.emotion.space import Emotion
from klangbild.models.bars.notes_engine import NotesEngine
from klangbild.models.drafts import heard_in
from klangbild.models.engines import load_notes_engine
from klangbild.music.describe import music_facts
from klangbild.music.form_words import form_words
from klangbild.music.midi_performance import read_performance
from klangbild.music.piece import Piece
from klangbild.record.facts import EditFacts, EmotionFacts, ModelFacts, MusicFacts, Record, Run, versions
from klangbild.settings import Settings

BY_RULES = ModelFacts("no model")
"""What wrote a piece of others whose notes were moved and not written anew."""
_NEUTRAL = Emotion(0.0, 0.0)


@dataclass(frozen=True)
class Edited:
    """midi: the file, without its record. piece: the notes in it, as they are played. length_s: see `contract.EngineOutput`."""

    midi: bytes
    piece: Piece
    record: Record
    length_s: float | None = None


def edited(source: Source, wish: Wish, *, seed: int, on_progress: OnProgress | None = None) -> Edited:
    """The piece with what is asked done to it.

    Raises:
        UsageError: the piece has no such bars or parts. InputError: its file is damaged. NotAvailableError: the notes model is not there.
        Stopped: the caller stopped.
    """
    started = time.perf_counter()
    file = opened(source.midi, source.name)
    emotion = source.emotion or _by_ear(file.piece)
    told, model, events = list(file.told), source.model, file.events
    if wish.spans:
        engine = _engine(source.settings.commercial)
        chosen = None if wish.part is None else parts_named(file, wish.part, "--part")
        events = written_anew(
            file, wish.spans, chosen, engine=engine, asked=emotion.asked, seed=seed, on_progress=on_progress
        )
        model = ModelFacts(**engine.facts)
    midi = events.write()
    piece = read_performance(midi)
    facts: dict[str, Any] = music_facts(piece)
    if form := form_words(piece):
        facts["form"] = form
    used = versions()
    record = Record(
        klangbild=used["klangbild"],
        settings=source.settings.with_seed(seed),
        model=model or BY_RULES,
        picture=source.picture,
        emotion=emotion,
        reasons=source.reasons,
        music=MusicFacts(facts),
        sound=None,
        versions=used,
        voice=source.voice,
        heard=heard_in(piece, [(0.0, emotion.asked)]),
        run=Run(tuple(dict.fromkeys(told)), {"edit": round(time.perf_counter() - started, 3)}),
        edit=EditFacts(
            source.name,
            source.sha256,
            source.packed(),
            (source.emotion or emotion).asked,
            _asked_of(wish),
            source.before,
        ),
    )
    return Edited(midi, piece, record, _length_s(piece, source.settings))


def made_again(record: Record, *, on_progress: OnProgress | None = None) -> Edited:
    """An edited piece from its record alone. Raises as `edited`, and UsageError: its wish is not one of this version."""
    assert record.edit is not None
    wish = Wish.from_dict({**record.edit.wish, "seed": record.seed})
    return edited(Source.of_edit(record), wish, seed=record.seed, on_progress=on_progress)


@lru_cache(maxsize=2)
def _engine(commercial: bool) -> NotesEngine:
    """The notes model that ships, loaded once."""
    return load_notes_engine(Settings(commercial=commercial))


def _asked_of(wish: Wish) -> dict[str, Any]:
    return {name: value for name, value in wish.as_dict().items() if name != "seed"}


def _by_ear(piece: Piece) -> EmotionFacts:
    """The emotion of a piece that is not ours: what the judges hear."""
    heard = heard_in(piece, [(0.0, _NEUTRAL)])
    emotion = _NEUTRAL if heard is None else heard.emotion
    place = Emotion(round(emotion.valence, 4), round(emotion.arousal, 4))
    return EmotionFacts(place, place, "music")


def _length_s(piece: Piece, settings: Settings) -> float | None:
    """How long the sound is to be; None: as long as it rings."""
    if piece.loops:
        return piece.seconds
    exact = settings.seconds if settings.exact else None
    return exact if exact is not None and abs(piece.seconds - exact) < 0.5 else None
