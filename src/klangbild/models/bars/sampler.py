"""The sampler: one loop that lets any note model speak any note language under any rules.

Every id is drawn (`draw.py`) in three steps. (1) The grammar's mask. (2) The model's odds, pulled away from what it would play
without a picture by `guidance` (classifier-free guidance on log-probabilities; Ho & Salimans 2022, arXiv 2207.12598, eq. 6).
(3) Temperature, top-k, top-p. There are two temperatures, as in ARIA: `rest_temperature` for when something happens (which
kind of id comes, and ids that place music in time), `note_temperature` for what sounds.

Nothing is retried: the mask alone makes every piece valid and every wish hold. Mode, tempo, tonality and pace also follow the
emotion directly (`emotion_bias.py`), each player's line is held in check (`melodic_line.py`),
and what stands still for long is led on (`movement.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from klangbild.contract import NoteLanguage, NoteModel
from klangbild.emotion.space import Emotion
from klangbild.errors import KlangbildError
from klangbild.models.bars import language as bars
from klangbild.models.bars.emotion_bias import BiasOfPiece
from klangbild.models.bars.form import form_of, quoted_bars
from klangbild.models.bars.home import Unrest, heard_key, home_bias
from klangbild.models.bars.melodic_line import MelodicLines
from klangbild.models.bars.movement import Movement
from klangbild.models.bars.picture_bias import MOTIF_BARS, LastBar, PictureBias
from klangbild.models.bars.section_attributes import inputs
from klangbild.models.bars.section_plan import MOVED, Sections
from klangbild.models.bars.token_sampling import RHYTHM, Sampling, chances, kinds_of, log_odds, pick
from klangbild.models.bars.voice_leading import VoiceLeading
from klangbild.music.piece import Key
from klangbild.music.rules import Rules

HARD_LIMIT = 60_000
REPETITION_WINDOW = 128


@dataclass
class Take:
    """One sampled piece: its ids, BOS to EOS (or to where it was stopped)."""

    ids: list[int] = field(default_factory=list)
    stopped: bool = False
    n_drawn: int = 0


class Sampler:
    """Draws one piece. Make one per piece; `run` may be called once.

    emotion_at: seconds into the piece -> the emotion asked of the music there. on_bar: called with the ids so far each time a
    bar is complete; returns False to stop there and keep what exists.
    """

    def __init__(
        self,
        model: NoteModel,
        language: NoteLanguage,
        rules: Rules,
        sampling: Sampling,
        *,
        rng: np.random.Generator,
        emotion_at: Callable[[float], Emotion] | None = None,
        on_bar: Callable[[list[int]], bool | None] | None = None,
        primer: np.ndarray | None = None,
        plan: Sections | None = None,
        picture: PictureBias | None = None,
    ) -> None:
        self.model, self.language, self.rules, self.sampling = model, language, rules, sampling
        self.rng, self.emotion_at, self.on_bar = rng, emotion_at, on_bar
        self.guided = sampling.guidance != 1.0 and emotion_at is not None and model.conditioning != "none"
        self.state = language.start(rules)
        self.take = Take()
        self.stream: list[tuple[int, np.ndarray]] = []  # what the model has read: id, condition
        self.sections: list[int] = []  # where in take.ids each section starts
        self.asked: list[np.ndarray] = []  # the condition of each section
        self.chunk_starts: list[int] = []  # where in the stream a section starts: the model may begin to read there
        self.reread = False  # the stream is not what the model has read any more
        self.primer, self.plan, self.picture = primer, plan, picture
        self.kinds = kinds_of(language)
        self.by_kind = np.argsort(self.kinds, kind="stable")  # all ids, kind by kind
        self.melodic_lines = MelodicLines() if language.name == "bars" else None
        self.voices, self.unrest = VoiceLeading(), Unrest()
        self.is_biased = language.name == "bars" and emotion_at is not None and model.conditioning != "none"
        self.bias = BiasOfPiece(language.size)
        self.last_bar, self.movement = LastBar(), Movement()
        self.moved = False
        self.told: tuple[np.ndarray | None, np.ndarray] = None, np.empty(0)  # a condition and its rows

    def run(self) -> Take:
        """Draw until the grammar says the piece is over."""
        self.model.start(2 if self.guided else 1)
        condition = self.condition = self._condition()
        logits = self._read(self._opening(condition), condition)
        unread: list[int] = []  # ids that are known beforehand wait and are read at once
        forced: list[int] = [] if self.primer is None else [int(i) for i in self.primer]
        while not self.state.done and len(self.take.ids) < HARD_LIMIT:
            before_bar = getattr(self.state, "bar", -1)
            if forced:
                token = forced.pop(0)
            else:
                token, *forced = self._next(logits)
                self.take.n_drawn += 1
            opens_section, whole = self._opens_section(token), self._is_whole()
            self.language.advance(self.state, token)
            if self.melodic_lines:
                self.melodic_lines.read(token)
                self.voices.read(token)
                self.last_bar.read(token)
                self.movement.read(token, 60.0 / self.state.bpm)
            self.take.ids.append(token)
            if self.state.done:
                break
            unread.append(token)
            if opens_section:
                if len(unread) > 1:
                    self._read(unread[:-1], condition)
                before, condition = self.condition, self._condition()
                self.condition, self.moved = condition, _moved(before, condition)
                self.sections.append(len(self.take.ids) - 1)
                self.asked.append(condition)
                if not whole:
                    self._leave_out_last()
                unread = [*(self._prefix(condition) if len(self.sections) > 1 else []), token]
                self.chunk_starts.append(len(self.stream))
                forced = forced or self._quote()
            bar = getattr(self.state, "bar", -1)
            if bar > before_bar >= 0 and self.sections:
                self.bias.end_bar(self.take.ids[self.sections[-1] :], self._pull_home(), self.rules.mode)
            if bar > before_bar >= 0 and self.on_bar and self.on_bar(self.take.ids[:-1]) is False:
                self.take.ids.pop()
                self.take.stopped = True
                break
            if self.sampling.gen_len and len(self.take.ids) >= self.sampling.gen_len - 1:
                break
            if self.sampling.gen_len and len(self.take.ids) >= 0.85 * self.sampling.gen_len and bar > before_bar:
                self.state.finish()
            if not forced:
                logits, unread = self._read(unread, condition), []
        return self.take

    # -- reading ---------------------------------------------------------------------------------------------------

    def _opening(self, condition: np.ndarray) -> list[int]:
        self.take.ids.append(self.language.bos)
        return [self.language.bos, *self._prefix(condition)]

    def _prefix(self, condition: np.ndarray) -> list[int]:
        """The condition as ids of the model's own, in the two token modes."""
        return [int(i) for i in self.model.prefix(condition[None, :3])[0]]

    def _condition(self) -> np.ndarray:
        """(3,) or (3 + attributes,) float32: the emotion asked of the section that opens, and what it is told to be like."""
        emotion = None if self.emotion_at is None else self.emotion_at(self._section_start_s())
        told = np.array((0.0, 0.0, 0.0) if emotion is None else (emotion.valence, emotion.arousal, 1.0), np.float32)
        like, bpm = None, None
        if self.plan is not None:
            number = self._model_section()
            like = self.plan.section(number, emotion if self.model.conditioning != "none" else None)
            bpm = self.plan.tempo(number)
            if self.state.stretch and self.plan.families:
                self.state.recast(self.plan.families)
        if self.language.name == "bars":
            minor = bool(self.state.mode) if self.state.mode >= 0 else None
            self.bias.open_section(emotion if self.is_biased else None, minor=minor, bpm=bpm)
        return told if like is None else np.concatenate([told, inputs(like)])

    def _model_section(self) -> int:
        """The number of the section that the one which opens returns to, or its own."""
        number = len(self.sections)
        if self.language.name != "bars":
            return number
        within, letters = max(self.state.section, 0), form_of(self.state.lengths)
        return number - within + letters.index(letters[within]) if within < len(letters) else number

    def _section_start_s(self) -> float:
        """Seconds into the piece at which what is asked of the section in hand was asked for."""
        return getattr(self.state, "stretch_s", getattr(self.state, "elapsed_s", 0.0))

    def _opens_section(self, token: int) -> bool:
        return self.language.name == "bars" and bars.BAR_0 <= token < bars.TEMPO_0 and self.state.section_starts

    def _is_whole(self) -> bool:
        """Whether the section in hand has as many bars by now as those that the model has learnt of."""
        return self.language.name != "bars" or (self.state.bar + 1 - self.state.section_bar) % bars.SECTION_BARS == 0

    def _leave_out_last(self) -> None:
        """Let the model forget a section that ended early: it counts bars by eight, and those that follow are to stand right."""
        del self.stream[self.chunk_starts.pop() :]
        self.reread = True

    def _read(self, ids: list[int], condition: np.ndarray) -> np.ndarray:
        """Let the model read ids -> log-probabilities (rows, size) of what follows."""
        self.stream.extend((token, condition) for token in ids)
        if self.reread or self.model.fill + len(ids) > self.model.context:
            unread, self.reread = self._from_anew(), False
            self.model.start(2 if self.guided else 1)
        else:
            unread = self.stream[len(self.stream) - len(ids) :]
        tokens = np.array([[token for token, _ in unread]], np.int64)
        if len(unread) == 1:
            conditions = self._rows_told(condition)
        else:
            conditions = np.concatenate([self._rows_told(c) for _, c in unread], axis=1)
        if self.guided:
            tokens = np.concatenate([tokens, self._unconditional(tokens)])
        return self.model.step(tokens, conditions)

    def _rows_told(self, condition: np.ndarray) -> np.ndarray:
        """Condition (width,) -> what each row is told beside an id, (rows, 1, width): the second, if guided, no emotion."""
        if self.told[0] is not condition:  # one for all ids of a section
            rows = np.tile(condition, (2 if self.guided else 1, 1, 1))
            rows[1:, :, :3] = 0.0
            self.told = condition, rows
        return self.told[1]

    def _unconditional(self, tokens: np.ndarray) -> np.ndarray:
        """The same ids with the model's condition ids replaced by those for "unknown"."""
        if (tokens < self.language.size).all():
            return tokens
        unknown = self.model.prefix(np.zeros((1, 3), np.float32))[0]
        out = tokens.copy()
        places = np.flatnonzero(tokens[0] >= self.language.size)
        out[0, places] = np.resize(unknown, len(places))
        return out

    def _from_anew(self) -> list[tuple[int, np.ndarray]]:
        """What to read when the memory is full: from the earliest section start that leaves a third of it free."""
        room = int(self.model.context * 0.67)
        for start in self.chunk_starts:
            if len(self.stream) - start <= room:
                opening = self.stream[start:]
                # PAD tells the model that the piece has begun before: so most of its training chunks open
                return [(bars.PAD, opening[0][1]), *opening] if self.language.name == "bars" else opening
        return self.stream[len(self.stream) - room :]

    # -- drawing ---------------------------------------------------------------------------------------------------

    def _next(self, logits: np.ndarray) -> list[int]:
        """The id that comes next, drawn, and those behind it that are known then."""
        return [self._draw(logits)]

    def _allowed(self) -> np.ndarray:
        """The ids that may come, bool (size,)."""
        return self.language.allowed(self.state, self.rules)

    def _draw(self, logits: np.ndarray) -> int:
        """Logits (rows, at least size), the second row without the emotion -> the id that comes next."""
        allowed = self._allowed()
        ids = self.by_kind[allowed[self.by_kind]]
        if not len(ids):
            raise KlangbildError(
                f"the {self.language.name} grammar has no way on; this is a bug, please report the command"
            )
        odds = log_odds(logits[:, : self.language.size], ids, self.sampling.guidance)
        if not np.isfinite(odds).all():
            raise KlangbildError(
                f"the note model '{self.model.conditioning}' gave a number that is not finite; reinstall its weights"
            )
        if self.sampling.repetition_penalty != 1.0:
            odds = self._penalised(odds, ids)
        if self.melodic_lines:
            odds = odds + self.melodic_lines.bias()[ids] + self.voices.bias[ids] + self.bias.overall[ids]
        within = self.bias.within[ids] + self.movement.bias[ids] if self.melodic_lines else self.bias.within[ids]
        if self.melodic_lines:
            within = within + self.melodic_lines.within[ids]
        if self.picture is not None:
            within = within + self._by_picture()[ids]
        weights = chances(odds, within, self.kinds[ids], self.sampling, moved=self.moved)
        return int(ids[pick(weights, self.sampling, self.rng)])

    def _by_picture(self) -> np.ndarray:
        """(size,) log-odds, among the ids of a kind, that the picture adds here."""
        state, picture = self.state, self.picture
        if state.meter < 0:
            return picture.within
        bias = picture.within.copy()
        notes, places = self.last_bar.again()
        bias[notes] += picture.echo
        bias[places[:1]] += picture.echo
        if state.bar < MOTIF_BARS:
            motif = picture.motif(max(state.bar, 0), max(state.position, 0) / bars.BAR_STEPS[state.meter])
            bias += 0.0 if motif is None else motif
        return bias

    def _penalised(self, odds: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """The log-odds (n,) of the ids, those of what sounded lately times the repetition penalty."""
        heard = np.zeros(self.language.size, bool)
        heard[self.take.ids[-REPETITION_WINDOW:]] = True
        heard[self.kinds == RHYTHM] = False
        return np.where(heard[ids], odds * self.sampling.repetition_penalty, odds)

    def _pull_home(self) -> np.ndarray:
        """A bar is complete: log-odds (12,) that pull to the piece's key; and in which key it closes, if it is not written already."""
        state, rules = self.state, self.rules
        written = Key(9, "minor") if state.mode else Key(0, "major")
        unrest = self.unrest.end_bar(self.voices.histogram, state.home or written)
        if rules.changes_s:  # its emotion moves, and so may its key
            return unrest
        closes = None if state.n_bars is None else state.n_bars - (1 if rules.loop else 2)
        if self.primer is None and (closes is None or state.bar <= closes):
            state.home = heard_key(self.voices.histogram, written, keeps_mode=rules.mode is not None)
        return unrest + home_bias(self.voices.histogram, written, wished=rules.mode is not None)

    # -- form ------------------------------------------------------------------------------------------------------

    def _quote(self) -> list[int]:
        """At the start of a section that returns: the ids of its model's first bars (after the Bar just drawn)."""
        state, number = self.state, len(self.sections) - 1
        if state.n_bars is None:
            return []
        within, letters = state.section, form_of(state.lengths)
        quoted = quoted_bars(letters, within)
        if not quoted or state.lengths[within] <= quoted:
            return []
        source = number - within + letters.index(letters[within])
        start = self.sections[source]
        if _moved(self.asked[source], self.condition) or state.bar + quoted >= state.n_bars - 1:
            return []
        stop = self.sections[source + 1] if source + 1 < len(self.sections) else len(self.take.ids)
        model = self.take.ids[start:stop]
        at_bars = [i for i, token in enumerate(model) if bars.BAR_0 <= token < bars.TEMPO_0]
        if len(at_bars) <= quoted:
            return []
        return model[1 : at_bars[quoted] + 1]  # with the Bar behind them, so that nothing is added to the last one


def _moved(before: np.ndarray, now: np.ndarray) -> bool:
    """True where two conditions ask for emotions that differ to the ear."""
    return bool(np.abs(before[:3] - now[:3]).max() > MOVED)
