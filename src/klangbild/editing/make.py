"""An edit done: what is asked, of a source, becomes a MIDI file with its record. Equal source, wish and seed give equal bytes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from klangbild.contract import OnProgress
from klangbild.editing.company import with_company
from klangbild.editing.midi_events import MidiEvents
from klangbild.editing.mood import in_mood, moved
from klangbild.editing.parts import Opened, opened, parts_named
from klangbild.editing.players import played_by
from klangbild.editing.rewrite import FILLS, Rewriting, Writer, check_spans, telling, written_anew
from klangbild.editing.source import Source
from klangbild.editing.times import at_tempo, in_meter
from klangbild.editing.tonality import in_key
from klangbild.editing.vary import varied
from klangbild.editing.wish import Wish
from klangbild.emotion.space import Emotion
from klangbild.models.bars.bars_window import BarLines
from klangbild.models.bars.notes_engine import NotesEngine
from klangbild.models.bars.vocabulary import SECTION_BARS
from klangbild.models.drafts import heard_in
from klangbild.models.engines import load_notes_engine
from klangbild.music.describe import music_facts
from klangbild.music.form_words import form_words
from klangbild.music.midi_performance import read_performance
from klangbild.music.piece import Key, Piece
from klangbild.record.facts import EditFacts, EmotionFacts, ModelFacts, MusicFacts, Record, Run, versions
from klangbild.settings import Settings

BY_RULES = ModelFacts("no model")
"""What wrote a piece of others whose notes were moved and not written anew."""
_GUIDANCE = 1.75
"""How strongly a mood that is asked to move steers what is written."""
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
    before = source.emotion or _by_ear(file.piece)
    emotion = replace(before, asked=moved(before.asked, wish))
    if emotion.asked != before.asked:
        emotion = replace(emotion, source="override")
    check_spans(wish.spans, len(BarLines.of(file.piece)))
    file, told = _transformed(file, wish, source.name)
    events, model = file.events, source.model
    if wish.spans or wish.keep is not None or wish.vary:
        engine = _engine(source.settings.commercial)
        guidance = 1.0 if emotion.asked == before.asked else _GUIDANCE
        fills = FILLS if wish.spans else max(FILLS // 2, 1)  # of a whole piece the time counts
        writer = Writer(engine, emotion.asked, seed, fills, guidance=guidance)
        events, more = _written(file, wish, writer, on_progress)
        told, model = [*told, *more], ModelFacts(**engine.facts)
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
            before.asked,
            _asked_of(wish),
            source.before,
        ),
    )
    return Edited(midi, piece, record, _length_s(piece, source.settings))


def _transformed(file: Opened, wish: Wish, name: str) -> tuple[Opened, list[str]]:
    """What can be done without writing a note: mood, players, key, tempo, meter."""
    told = list(file.told)
    steps: list[Callable[[Opened], tuple[MidiEvents, tuple[str, ...]]]] = []
    if wish.calmer or wish.livelier or wish.brighter or wish.darker:
        steps.append(lambda file: in_mood(file, wish, name))
    if wish.players is not None and wish.keep is None:
        names = wish.players
        steps.append(lambda file: played_by(file, names))
    if wish.key is not None:
        key = Key.parse(wish.key)
        steps.append(lambda file: in_key(file, key))
    if wish.tempo is not None:
        bpm = wish.tempo
        steps.append(lambda file: (at_tempo(file, bpm), ()))
    if wish.meter is not None:
        numerator, _, denominator = wish.meter.partition("/")
        steps.append(lambda file: in_meter(file, int(numerator), int(denominator)))
    for step in steps:
        events, more = step(file)
        told += more
        file = opened(events.write(), name)
    return file, told


def _written(
    file: Opened, wish: Wish, writer: Writer, on_progress: OnProgress | None
) -> tuple[MidiEvents, tuple[str, ...]]:
    """What is written anew: bars, all but a part, or some of everything."""
    if wish.vary:
        return varied(file, wish.vary, writer, on_progress), ()
    n_bars = len(BarLines.of(file.piece))
    spans = wish.spans or tuple((first, min(first + SECTION_BARS, n_bars)) for first in range(0, n_bars, SECTION_BARS))
    if wish.keep is None:
        chosen = None if wish.part is None else parts_named(file, wish.part, "--part")
        return written_anew(file, spans, chosen, writer, on_progress), ()
    kept = parts_named(file, wish.keep, "--keep")
    with_others, chosen, told = with_company(file, kept, wish.players)
    rewriting = Rewriting(with_others, [i for i in range(len(with_others.parts)) if i not in kept])
    for span in spans:
        rewriting.clear(span)
    rewriting.only(chosen)
    for done, span in enumerate(spans):
        rewriting.write(span, writer, telling(on_progress, done, len(spans)))
    return rewriting.events(), told


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
