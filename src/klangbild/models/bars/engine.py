"""The notes engine: an asked emotion and wishes -> a piece, by drawing candidates and keeping the best.

Equal model, settings, emotion and seed give equal notes: candidate i draws from its own generator, made from (seed, i).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from klangbild.contract import NoteModel, OnBar, OnProgress
from klangbild.emotion.course import Course
from klangbild.emotion.heard import Heard
from klangbild.emotion.space import Emotion, EmotionPath
from klangbild.errors import Stopped
from klangbild.models.bars.form import hold_last_chord
from klangbild.models.bars.given_piece import given_piece
from klangbild.models.bars.language import METERS, TEMPI_BPM, BarsLanguage, tempo_bin, tempo_within
from klangbild.models.bars.picture_bias import PictureBias
from klangbild.models.bars.sampler import Sampler, Sampling
from klangbild.models.bars.section_plan import (
    SHORT_BARS,
    SHORT_SECONDS,
    ContinuedPlan,
    PiecePlan,
    SectionPlan,
    Sections,
)
from klangbild.models.bars.sections_begin import can_begin
from klangbild.models.candidates import Tell, draw_candidates
from klangbild.models.drafts import heard_in, judged
from klangbild.music.arrangement import arranged
from klangbild.music.fit import Score, score_course
from klangbild.music.hits import parse_hits, with_hits
from klangbild.music.home import clear_last_bar
from klangbild.music.length import looping, of_length
from klangbild.music.orchestrate import in_key, orchestrate
from klangbild.music.piece import HIT, MOOD, Key, Piece
from klangbild.music.rules import Rules
from klangbild.music.timing import Timing
from klangbild.picture.voice import Voice
from klangbild.settings import INSTRUMENTS, Settings

_PLACES, _SLOWING_S = 40, 12.0
Planner = Callable[[int, Rules], PiecePlan]
"""The number of a candidate, and what must hold -> its plan."""


@dataclass(frozen=True)
class Composition:
    """A piece with what was weighed: `scores` of all candidates, in order; `chosen` is the index of the piece. told: what its asker
    should know of wishes that were not quite granted. heard: what the judges of emotion hear in it."""

    piece: Piece
    n_tokens: int
    scores: tuple[Score, ...] = ()
    chosen: int = 0
    stopped: bool = False
    told: tuple[str, ...] = ()
    heard: Heard | None = None


def rules_of(settings: Settings) -> Rules:
    """Settings -> what the grammar must hold. Raises UsageError for wishes that contradict each other."""
    families = tuple(f for f in settings.instruments or INSTRUMENTS if f not in (settings.without or ()))
    numerator, _, denominator = (settings.meter or "").partition("/")
    return Rules(
        families=families,
        required=tuple(settings.instruments or ()),
        min_instruments=settings.min_instruments,
        mode=Key.parse(settings.key).mode if settings.key else None,
        tempo_bpm=settings.tempo,
        meter=(int(numerator), int(denominator)) if settings.meter else None,
        bars=settings.bars,
        seconds=settings.length_seconds,
        whole_bars=settings.exact,
        loop=settings.loop,
        changes_s=course.changes_s if (course := course_of(settings)) else (),
        hits_s=parse_hits(settings.hits) if settings.hits else (),
    )


def course_of(settings: Settings) -> Course | None:
    """The course that `--path` says, over the length asked for; None: there is none."""
    if settings.path is None:
        return None
    return Course.of(
        EmotionPath.parse(settings.path), settings.length_seconds if settings.continue_from is None else None
    )


def compose_notes(
    asked: Emotion,
    settings: Settings,
    seed: int,
    *,
    model: NoteModel,
    language: BarsLanguage | None = None,
    on_progress: OnProgress | None = None,
    on_bar: OnBar | None = None,
    voice: Voice | None = None,
    planned: Planner | None = None,
) -> Composition:
    """The best of `settings.candidates` pieces for the asked emotion (music's plane).

    on_progress(done, total) counts bars over all candidates and may return False: what exists by then is kept. on_bar gets
    the piece so far, at each bar of the candidate in hand. voice: the picture's own, heard by `settings.picture_weight`. planned: the
    plan of each candidate, where another model makes it and not the table of sections; a piece that goes on from another needs none.

    Raises:
        Stopped: the caller stopped before the first bar was complete.
    """
    language = language or BarsLanguage()
    heard = voice is not None and settings.picture_weight > 0.0 and settings.continue_from is None
    picture = PictureBias(voice.traits, settings.picture_weight) if heard else None
    wished, given = given_piece(rules_of(settings), settings, language)
    primer, given_s = (None, 0.0) if given is None else (given.ids, given.seconds)
    course = course_of(settings)
    emotion_at = (lambda seconds: course.at(max(seconds, given_s))) if course else (lambda _seconds: asked)
    sampling = Sampling.of(settings, guidance=settings.guidance)
    n_drawn: list[int] = []

    def draw(candidate: int, tell: Tell, most_ids: int | None = None) -> Piece:
        wish = Key.parse(settings.key) if settings.key else None
        drawn_key = np.random.default_rng([seed, candidate, 1])
        place = None
        if wished.tempo_bpm is None:
            place = _place(wished, np.random.default_rng([seed, candidate, 3]))
        rules, felt_at = replace(wished, tempo_place=place), emotion_at
        plan: Sections | None = None
        table = getattr(model, "sections", None)
        if table is not None and primer is not None:
            plan = ContinuedPlan(table, primer)
        elif planned is not None:
            if tell(0.0) is False:
                raise Stopped("stopped before the piece was planned; nothing was kept")
            plan = planned(candidate, rules)
            rules = plan.rules(rules)
            if course is None:
                felt_at = lambda _seconds, feeling=plan.feeling: feeling  # noqa: E731
        elif table is not None:
            plan = SectionPlan(
                table,
                np.random.default_rng([seed, candidate, 2]),
                None if model.conditioning == "none" else emotion_at(0.0),
                allowed=rules.families,
                wished=settings.instruments or (),
                fewest=rules.min_instruments,
                picture=picture,
            )
            rules = with_plan(rules, plan)
        at_end = emotion_at(settings.length_seconds or 0.0)
        if not settings.loop:
            slowing = np.random.default_rng([seed, candidate, 5])
            breathes = primer is None and course is None and "drums" not in rules.families
            timing = Timing.drawn(slowing, at_end, breathes=breathes)
            if (
                rules.hits_s and (rules.seconds or 0.0) - rules.hits_s[-1] < _SLOWING_S
            ):  # the hit is where the end begins
                timing = replace(timing, final=1.0)
            rules = replace(rules, timing=timing)

        def bar_done(ids: list[int]) -> bool | None:
            if most_ids is not None and len(ids) > most_ids:
                return False
            if on_bar and most_ids is None:
                on_bar(_in_tempo(language.decode(np.array(ids)), place))
            done, total = _bars_done(ids, sampler.state.n_bars or 0)
            return tell(done / total) if total else None

        sampler = Sampler(
            model,
            language,
            rules,
            sampling,
            rng=np.random.default_rng([seed, candidate]),
            emotion_at=felt_at,
            on_bar=bar_done,
            primer=primer,
            plan=plan,
            picture=picture,
        )
        take = sampler.run()
        n_drawn.append(take.n_drawn)
        if take.stopped and most_ids is not None:
            raise Stopped("a draft that ends early is none")
        piece = _in_tempo(language.decode(np.array(take.ids)), place)
        if sampler.state.home is not None:
            piece = replace(piece, key=sampler.state.home)
        if piece.n_notes == 0:
            raise Stopped("stopped before the first bar was complete; nothing was kept")
        if settings.tempo is not None:
            piece = replace(piece, tempos=((0.0, float(settings.tempo)),))
        whole = not take.stopped
        if whole and not settings.loop:
            piece = clear_last_bar(hold_last_chord(piece), 0.0 if given is None else given.read)
        if given is not None:
            moved = piece.transposed(given.shift)
            piece = given.with_more(orchestrate(moved, asked, drawn_key, free_from=given.read))
        else:
            if course:
                piece = with_moods(piece, course, _starts(piece, sampler.state.stretch_bars))
            piece = orchestrate(in_key(piece, wish, drawn_key), asked, drawn_key)
        if not whole:
            return piece
        given_until = 0.0 if given is None else given.until
        if course is None:  # a course of feelings has a form of its own
            piece = arranged(
                piece,
                asked,
                np.random.default_rng([seed, candidate, 6]),
                given_until=given_until,
                loops=settings.loop,
                wished=settings.instruments or (),
            )
        piece = rules.timing.of(piece, given_until)
        return piece if given is not None else with_hits(piece, sampler.state.bar_lines, wished.hits_s)

    drafts = settings.drafts if planned is None else 0
    return composition(draw, asked, settings, n_drawn, on_progress=on_progress, course=course, drafts=drafts)


def composition(
    draw: Callable[..., Piece],
    asked: Emotion,
    settings: Settings,
    n_drawn: list[int],
    *,
    on_progress: OnProgress | None,
    course: Course | None = None,
    drafts: int = 0,
) -> Composition:
    """The best of `settings.candidates` pieces by `score_piece`, read by the judges; where it misses, the nearest of it and further drafts.

    draw: (number, tell[, most ids: beyond them a draft raises Stopped]) -> a piece. n_drawn: ids of each piece drawn, which `draw` fills.
    course: what was asked in time, where that changes; its changes stand in the piece as markers (`with_moods`).

    Raises:
        Stopped: the caller stopped before there was a piece.
    """

    told_to_stop = False

    def progress(now: float, total: float) -> bool | None:
        nonlocal told_to_stop
        go_on = None if on_progress is None or told_to_stop else on_progress(now, total)
        told_to_stop = told_to_stop or go_on is False
        return False if told_to_stop else None

    def asked_of(piece: Piece) -> list[tuple[float, Emotion]]:
        feelings = [emotion for _, emotion in course.stretches] if course and piece.moods else [asked]
        return list(zip([beat for beat, _ in piece.moods] or [0.0], feelings, strict=False))

    found = draw_candidates(
        settings.candidates,
        draw,
        lambda pieces: [score_course(piece, asked_of(piece)) for piece in pieces if piece.n_notes],
        rank=lambda score: score.total,
        on_progress=progress,
    )

    def finished(piece: Piece) -> tuple[Piece, str | None]:
        told = None
        if settings.exact and settings.seconds:
            fixed = [beat for beat, text in piece.markers if text.startswith((HIT, MOOD))]
            piece, told = of_length(piece, settings.seconds, loop=settings.loop, after=max(fixed, default=0.0))
        return looping(piece) if settings.loop else piece, told

    kept, heard, stopped = (found.best, None) if found.stopped else finished(found.best), None, found.stopped
    if settings.continue_from is not None:  # its own bars were nobody's wish
        pass
    elif stopped:
        heard = heard_in(kept[0], asked_of(kept[0]))
    else:
        done = float(settings.candidates)
        kept, heard, stopped = judged(
            kept,
            lambda number, tell, most_ids: finished(draw(settings.candidates + number, lambda _: tell(), most_ids)),
            lambda draft: asked_of(draft[0]),
            piece_of=lambda draft: draft[0],
            drafts=drafts,
            ids=lambda: sum(n_drawn),
            go_on=lambda: progress(done, done),
        )
    piece, told = kept
    told = () if told is None else (told,)
    return Composition(piece, sum(n_drawn), found.scores, found.chosen, stopped, told, heard)


def _place(rules: Rules, rng: np.random.Generator) -> float:
    """Where in its step of the language a tempo lies, drawn: so that there is one at which the hits find bar lines."""
    for _ in range(_PLACES):
        place = float(rng.uniform(-0.5, 0.5))
        tempi = [tempo_within(number, place) for number in range(len(TEMPI_BPM))]
        if not rules.hits_s or any(
            can_begin(rules, meter, tempi) for meter in [rules.meter] * bool(rules.meter) or METERS
        ):
            break
    return place


def _starts(piece: Piece, bars: Sequence[int]) -> list[float]:
    starts = piece.bar_starts()
    return [starts[bar] for bar in bars if bar < len(starts)]


def with_moods(piece: Piece, course: Course, beats: Sequence[float]) -> Piece:
    """The piece with a marker at each beat from which on a stretch of its course was asked."""
    moods = tuple((beat, MOOD + emotion.name) for beat, (_, emotion) in zip(beats, course.stretches, strict=False))
    return replace(piece, markers=(*piece.markers, *moods)) if len(moods) > 1 else piece


def with_plan(rules: Rules, plan: SectionPlan | PiecePlan) -> Rules:
    """The rules with only these players, all of them to be heard unless the piece is very short."""
    short = (rules.bars or SHORT_BARS) < SHORT_BARS or (rules.seconds or SHORT_SECONDS) < SHORT_SECONDS
    fewest = rules.min_instruments if short else len(plan.families)
    return replace(rules, families=plan.families, min_instruments=fewest)


def _in_tempo(piece: Piece, place: float | None) -> Piece:
    """Each tempo as a whole number inside its step of the language, the one that the grammar reckoned with."""
    if place is None:
        return piece
    return replace(piece, tempos=tuple((beat, tempo_within(tempo_bin(bpm), place)) for beat, bpm in piece.tempos))


def _bars_done(ids: list[int], n_bars: int) -> tuple[int, int]:
    from klangbild.models.bars import language as bars

    done = sum(1 for token in ids if bars.BAR_0 <= token < bars.TEMPO_0)
    return done, max(n_bars, done)
