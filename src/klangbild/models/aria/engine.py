"""ARIA and midi-emotion models as a notes engine: an asked emotion and wishes -> a piece, with our sampler or with theirs.

Beside what their own programs offer: an emotion that moves (`--path`), going on from a MIDI file (`--continue`), lengths in
seconds, instruments that hold by mask, several candidates. These models do not know keys, meters or tempi: `--key`
transposes the finished piece, `--tempo` and `--meter` say how its seconds are written down. They were trained without pieces
of unknown emotion, so `--guidance` has nothing to pull away from and is left aside.

With `--sampler midi-emotion` the knobs that stand at klangbild's defaults take midi-emotion's (temperatures 1.2, top-p 0.7,
repeat penalty 0.5, written here as `--repetition-penalty 1.5`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from klangbild.contract import OnBar, OnProgress
from klangbild.emotion.space import Emotion
from klangbild.errors import Stopped
from klangbild.models.aria.grammar import DUE_S
from klangbild.models.aria.language import EventsLanguage
from klangbild.models.aria.published_sampler import MidiEmotionSampling, generate, n_missing
from klangbild.models.aria.vocabulary import INSTRUMENTS, is_shift, shift_ms
from klangbild.models.aria.window import WindowedModel
from klangbild.models.bars.engine import Composition, composition, course_of, rules_of, with_moods
from klangbild.models.bars.sampler import Sampler, Sampling, Take
from klangbild.models.candidates import Tell
from klangbild.music.going_on import going_on
from klangbild.music.key import estimate_key
from klangbild.music.midi import read_continued
from klangbild.music.piece import Key, Piece
from klangbild.music.rules import Rules
from klangbild.picture.voice import Voice
from klangbild.settings import Settings

PROGRESS_MS = 500
"""How much music lies between two reports of progress."""
_MAX_IDS = 20_000
"""No piece has more ids than this, whatever its length in seconds."""


def compose_events(
    asked: Emotion,
    settings: Settings,
    seed: int,
    *,
    model: WindowedModel,
    language: EventsLanguage,
    voice: Voice | None = None,
    on_progress: OnProgress | None = None,
    on_bar: OnBar | None = None,
) -> Composition:
    """The best of `settings.candidates` pieces. Candidate i draws from its own generator, made from (seed, i).

    on_progress(done, total) may return False: what exists by then is kept. on_bar gets the piece so far now and then. voice: of
    the picture; these models hear its feeling alone.

    Raises:
        UsageError: an instrument that these models do not play, or more than they have.
        Stopped: the caller stopped before the first note.
    """
    if settings.tempo is not None:
        language = replace(language, tempo_bpm=float(settings.tempo))
    rules, given = _given(rules_of(settings), settings, language)
    primer = None if given is None else given.ids
    draw = _draw_theirs if settings.sampler == "midi-emotion" else _draw_ours
    n_drawn: list[int] = []
    course = course_of(settings)

    def draw_piece(candidate: int, tell: Tell) -> Piece:
        reporter = _Reporter(settings, rules, language, tell, on_bar)
        rng = np.random.default_rng([seed, candidate])
        ids, drawn = draw(asked, settings, rules, model, language, primer, rng, reporter)
        n_drawn.append(drawn)
        piece = language.decode(ids)
        if reporter.stopped and piece.n_notes == 0:
            raise Stopped("stopped before the first note; nothing was kept")
        if course and given is None:
            within = [change_s for change_s in course.changes_s if change_s < piece.seconds]
            piece = with_moods(piece, course, [0.0, *piece.seconds_to_beats(within).tolist()])
        written = _written_as_asked(piece, settings)
        return written if given is None else given.with_more(written)

    return composition(draw_piece, asked, settings, n_drawn, on_progress=on_progress, course=course)


class EventsSampler(Sampler):
    """Our sampler for models that keep their own window: a primer is read at once, and the emotion is followed id by id."""

    def run(self) -> Take:
        """Draw until the grammar says the piece is over, or `gen_len` ids stand."""
        limit = self.sampling.gen_len or _MAX_IDS
        self.model.start(1)
        self.take.ids = [self.language.bos]
        for token in () if self.primer is None else self.primer.tolist():
            self.language.advance(self.state, token)
            self.take.ids.append(token)
        self.state.ids_left = max(limit - len(self.take.ids), 0)
        unread, last_ms = self.take.ids, self.state.elapsed_ms
        while not self.state.done and len(self.take.ids) < limit:
            logits = self.model.step(np.array([unread]), np.array([self._condition()], np.float32))
            token = self._draw(logits)
            self.take.n_drawn += 1
            self.language.advance(self.state, token)
            self.take.ids.append(token)
            unread = [token]
            if self.state.elapsed_ms - last_ms >= PROGRESS_MS:
                last_ms = self.state.elapsed_ms
                if self.on_bar and self.on_bar(self.take.ids) is False:
                    self.take.stopped = True
                    break
        return self.take


def _draw_ours(asked, settings, rules, model, language, primer, rng, reporter) -> tuple[np.ndarray, int]:
    sampling = Sampling.of(settings, guidance=1.0)
    sampler = EventsSampler(
        model,
        language,
        rules,
        sampling,
        rng=rng,
        emotion_at=_emotion_at(asked, settings),
        on_bar=reporter,
        primer=primer,
    )
    take = sampler.run()
    return np.array(take.ids), take.n_drawn


def _draw_theirs(asked, settings, rules, model, language, primer, rng, reporter) -> tuple[np.ndarray, int]:
    language.start(rules)  # says at once what cannot be played
    emotion_at = _emotion_at(asked, settings)
    sampling = sampling_of(settings)
    start = np.array([language.bos, *(() if primer is None else primer.tolist())])
    limit_ms = None if rules.seconds is None else rules.seconds * 1000.0
    allowed = tuple(name for name in INSTRUMENTS if name in rules.families)
    elapsed = _Elapsed()

    def is_due(song: np.ndarray) -> bool:
        return limit_ms is not None and elapsed.ms(song[0]) >= min(DUE_S * 1000.0, limit_ms / 2)

    def condition_at(_step: int, song: np.ndarray) -> np.ndarray:
        emotion = emotion_at(elapsed.ms(song[0]) / 1000.0)
        return np.array([[emotion.valence, emotion.arousal]], np.float32)

    def on_step(song: np.ndarray) -> bool:
        before = elapsed.value
        now = elapsed.ms(song[0])
        if limit_ms is not None and now >= limit_ms and not n_missing(song[0], sampling.min_instruments, allowed):
            return False
        return now // PROGRESS_MS == before // PROGRESS_MS or reporter(song[0].tolist()) is not False

    ids = generate(
        model,
        language.vocabulary,
        condition_at(0, start[None]),
        sampling=sampling,
        rng=rng,
        primer=start,
        condition_at=condition_at,
        allowed_instruments=allowed,
        on_step=on_step,
        is_due=is_due,
    )[0]
    return ids, len(ids) - len(start)


def sampling_of(settings: Settings) -> MidiEmotionSampling:
    """Settings -> midi-emotion's knobs; those at our defaults take midi-emotion's."""
    ours = {knob.name: knob.default for knob in fields(Settings)}
    theirs = MidiEmotionSampling()

    def chosen(name: str, default: float) -> float:
        value = getattr(settings, name)
        return default if value == ours[name] else value

    return MidiEmotionSampling(
        after_shift=chosen("note_temperature", theirs.after_shift),
        otherwise=chosen("rest_temperature", theirs.otherwise),
        top_k=chosen("top_k", theirs.top_k),
        top_p=chosen("top_p", theirs.top_p),
        repeat_penalty=chosen("repetition_penalty", 1.0 + theirs.repeat_penalty) - 1.0,
        gen_len=settings.gen_len or _MAX_IDS,
        min_instruments=settings.min_instruments,
    )


class _Elapsed:
    """Milliseconds of music in growing ids; each id is looked at once."""

    def __init__(self) -> None:
        self.value, self._seen = 0, 0

    def ms(self, ids: np.ndarray) -> int:
        self.value += sum(shift_ms(int(token)) for token in ids[self._seen :] if is_shift(int(token)))
        self._seen = len(ids)
        return self.value


class _Reporter:
    """Called with the ids so far: tells progress and the piece so far; False when the caller wants to stop."""

    def __init__(
        self, settings: Settings, rules: Rules, language: EventsLanguage, tell: Tell, on_bar: OnBar | None
    ) -> None:
        self.gen_len, self.rules, self.language = settings.gen_len, rules, language
        self.tell, self.on_bar = tell, on_bar
        self.elapsed = _Elapsed()
        self.stopped = False

    def __call__(self, ids: list[int]) -> bool:
        now_ms = self.elapsed.ms(np.array(ids))
        if self.on_bar:
            self.on_bar(self.language.decode(np.array(ids)))
        share = len(ids) / self.gen_len if self.gen_len else now_ms / 1000.0 / (self.rules.seconds or 60.0)
        if self.tell(min(share, 1.0)) is False:
            self.stopped = True
        return not self.stopped


def _emotion_at(asked: Emotion, settings: Settings) -> Callable[[float], Emotion]:
    course = course_of(settings)
    return course.at if course else lambda _seconds: asked


@dataclass(frozen=True)
class Given:
    """The piece that another goes on from. ids: of its seconds (n,), in the language; seconds: how long these last."""

    piece: Piece
    ids: np.ndarray
    seconds: float

    def with_more(self, made: Piece) -> Piece:
        """The given seconds, and behind them what of `made` comes after them, in the tempo in which they end."""
        bpm, read = self.piece.tempos[-1][1], float(made.seconds_to_beats(self.seconds))
        until = max(self.piece.end_beats, float(self.piece.seconds_to_beats(self.seconds)))
        stretch = bpm / made.tempos[-1][1]
        made = replace(made, tempos=((0.0, bpm),))
        return replace(going_on(self.piece, made, made_from=read, given_until=until, stretch=stretch), key=made.key)


def _given(rules: Rules, settings: Settings, language: EventsLanguage) -> tuple[Rules, Given | None]:
    """What a piece goes on from, and the rules with its seconds in front of the length asked; None where it starts by itself."""
    if settings.bars is not None:
        meter = rules.meter or (4, 4)
        seconds = settings.bars * 4.0 * meter[0] / meter[1] * 60.0 / (settings.tempo or 120.0)
        rules = replace(rules, bars=None, seconds=seconds)
    if settings.continue_from is None:
        return rules, None
    piece = read_continued(settings.continue_from)
    ids = language.encode(piece)[1:]
    given_s = sum(shift_ms(int(token)) for token in ids if is_shift(int(token))) / 1000.0
    if rules.seconds is not None:
        rules = replace(rules, seconds=rules.seconds + given_s)
    return rules, Given(piece, ids, given_s)


def _written_as_asked(piece: Piece, settings: Settings) -> Piece:
    """The piece moved to the asked key (its own is estimated), and with the asked meter."""
    if settings.meter:
        numerator, _, denominator = settings.meter.partition("/")
        piece = replace(piece, meters=((0.0, int(numerator), int(denominator)),))
    if settings.key and piece.n_notes:
        wish, own = Key.parse(settings.key), estimate_key(piece)
        tonic = own.tonic
        if own.mode != wish.mode:  # the relative key
            tonic += 3 if own.mode == "minor" else -3
        piece = replace(piece.transposed((wish.tonic - tonic + 6) % 12 - 6), key=wish)
    return piece
