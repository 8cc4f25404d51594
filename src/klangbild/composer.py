"""START HERE. klangbild in one sentence of code: picture -> emotion -> notes -> sound, or picture + words -> sound.

    result = compose("lake.jpg", seconds=40, seed=7)
    result.save("out/")

`compose` does it once. A `Composer` keeps its models loaded and does it often. `replay` makes a piece again from any of its files.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klangbild.contract import Engine, OnBar, OnProgress, Request
from klangbild.emotion.space import Emotion, EmotionPath
from klangbild.errors import UsageError
from klangbild.models.engines import families_of, load_engine, player_of, writes_notes
from klangbild.record.carriers import read_record
from klangbild.record.facts import PictureFacts, Record
from klangbild.record.requests import picture_of, record_of, request_of
from klangbild.result import Result
from klangbild.settings import Settings
from klangbild.unheard import refuse_unheard, told_of
from klangbild.variations import Variations

if TYPE_CHECKING:
    from klangbild.editing.make import Edited
    from klangbild.picture.picture import Picture
    from klangbild.picture.voice import Voice


def compose(picture: Any = None, *, on_progress: OnProgress | None = None, **settings: Any) -> Result:
    """A picture (path, bytes, file object, PIL image or RGB array) becomes music. Settings: see `klangbild.settings.Settings`.

    on_progress(done, total) is called now and then; when it returns False, what exists by then is kept.

    Raises:
        InputError: the picture cannot be used. UsageError: a setting is wrong. NotAvailableError: a model is not there.
    """
    return Composer().compose(picture, on_progress=on_progress, **settings)


def replay(path: str | Path, *, picture: Any = None, on_progress: OnProgress | None = None) -> Result:
    """Make the piece again from a .json, .mid, .wav, .flac, .mp3, .ogg or .png of ours.

    picture: needed by sound engines, and by the piano roll's thumbnail; it must be the very same file (sha256).

    Raises:
        InputError: the file carries no record or a damaged one, or another picture was given.
    """
    return replay_record(read_record(path), picture=picture, on_progress=on_progress)


def replay_record(record: Record, *, picture: Any = None, on_progress: OnProgress | None = None) -> Result:
    """As `replay`, from the record itself."""
    request = request_of(record, picture=picture)
    if record.edit is not None:
        from klangbild.editing.make import made_again

        return _edited(made_again(record, on_progress=on_progress), request.settings, request.picture)
    return Composer().perform(request, on_progress=on_progress)


def edit(
    source: str | Path | Result, *, picture: Any = None, on_progress: OnProgress | None = None, **wishes: Any
) -> Result:
    """A piece with bars of it written anew, varied, or with other players, key, tempo or mood; the rest stays event for event.

    source: a MIDI file of anybody's, any other file of ours, or a `Result`. wishes: see `klangbild.editing.wish.Wish`, like bars=(9, 16);
    soundfont and loudness are heard, too. picture: the one it was made from, for the piano roll.

    Raises:
        InputError: the file cannot be used. UsageError: a wish is wrong. NotAvailableError: a model is not there.
    """
    from klangbild.editing.make import edited
    from klangbild.editing.source import Source, read_source
    from klangbild.editing.wish import Wish

    given = {name: wishes.pop(name) for name in ("soundfont", "loudness", "commercial") if name in wishes}
    Settings(**given)
    wish = Wish.from_dict(wishes)
    if isinstance(source, Result):
        if source.piece is None:
            raise UsageError("this result is sound without notes; only notes can be edited")
        found, picture = Source.of_piece(source.record, source.midi), picture or source.picture
    else:
        found = read_source(source, lambda record: replay_record(record, picture=picture))
    found = replace(found, settings=replace(found.settings, **given))
    seed = new_seed() if wish.seed is None else wish.seed
    made = edited(found, wish, seed=seed, on_progress=on_progress)
    return _edited(made, made.record.settings, None if picture is None else picture_of(made.record, picture))


def _edited(made: Edited, settings: Settings, picture: Picture | None) -> Result:
    """What an edit made, as a result. settings: with the SoundFont that is here."""
    return Result(
        replace(made.record, settings=settings),
        made.piece,
        picture=picture,
        length_s=made.length_s,
        replayed_by=replay_record,
        edited_by=edit,
        written=made.midi,
    )


class Composer:
    """Models loaded once, used often. Settings given here are the defaults of every call."""

    def __init__(self, **defaults: Any) -> None:
        self.defaults = _with_emotion(defaults)
        Settings(**self.defaults)
        self._engines: dict[tuple, Engine] = {}

    @classmethod
    def from_pretrained(cls, model: str, **defaults: Any) -> Composer:
        """A composer on a model by name or folder."""
        return cls(model=model, **defaults)

    def compose(
        self,
        picture: Any = None,
        *,
        on_progress: OnProgress | None = None,
        on_bar: OnBar | None = None,
        **settings: Any,
    ) -> Result:
        """One picture, one piece. See `compose`. on_bar gets the piece so far at each bar (notes engine)."""
        wanted = Settings(**{**self.defaults, **_with_emotion(settings)})
        started = time.perf_counter()
        request = self.read(picture, wanted)
        return self.perform(request, on_progress=on_progress, on_bar=on_bar, reading_s=time.perf_counter() - started)

    def batch(self, pictures: Iterable[Any], **settings: Any) -> Iterator[Result]:
        """Many pictures, one after the other, one seed for all unless each call is given its own."""
        settings.setdefault("seed", self.defaults.get("seed") or new_seed())
        for picture in pictures:
            yield self.compose(picture, **settings)

    def variations(
        self, picture: Any = None, n: int = 4, *, same: Iterable[str] = (), **settings: Any
    ) -> Iterator[Result]:
        """n takes of one picture, with seed, seed + 1, ... same: what they share, of "key", "tempo", "players"; the first take says
        which. Raises as `compose`, and UsageError: n or a name of `same` is none."""
        given = {**self.defaults, **_with_emotion(settings)}
        seed = new_seed() if given.get("seed") is None else given["seed"]
        takes = Variations(Settings(**given), seed, n, same)
        return self._takes(picture, given, takes)

    def _takes(self, picture: Any, given: dict[str, Any], takes: Variations) -> Iterator[Result]:
        for number in range(takes.n):
            result = self.compose(picture, **{**given, **takes.settings(number)})
            takes.keep(result)
            yield result

    def read(self, source: Any, settings: Settings) -> Request:
        """Picture and words -> what is asked of the music.

        Raises:
            InputError: the picture cannot be used. UsageError: there is nothing to go by, or a wish that is not heard.
        """
        from klangbild.emotion.read import read_emotion
        from klangbild.music.word_wishes import with_words
        from klangbild.music.words import of_a_sound_engine, read_text
        from klangbild.picture.load import load_picture
        from klangbild.picture.traits import voice_of

        refuse_unheard(settings, picture=source is not None)
        if source is None and not settings.text:
            raise UsageError("there is neither a picture nor --text; give at least one")
        picture = None if source is None else load_picture(source, words=settings.text)
        words = read_text(settings.text)
        text = words.feelings if writes_notes(settings) else of_a_sound_engine(words.feelings)
        reading = read_emotion(
            picture,
            text=text if (settings.text or "").strip() else None,
            model=settings.emotion_model,
            kind=settings.kind,
        )
        asked, origin = _asked(reading.asked, settings), reading.source
        if settings.path is not None:
            origin = "path"
        elif settings.valence is not None or settings.arousal is not None:
            origin = "override"
        facts = None
        if picture is not None:
            facts = PictureFacts(picture.name, picture.sha256, picture.width, picture.height)
        seed = new_seed() if settings.seed is None else settings.seed
        emotion = _as_kept(reading.emotion)
        voice = None if picture is None else voice_of(picture)
        if settings.gaze:
            settings, asked, voice = _following_the_eye(settings, asked, voice, picture)
            origin = "path"
        if writes_notes(settings):  # a sound engine hears the words themselves
            keyed = seed if voice is None else voice.keyed(seed)
            settings = with_words(settings, words, seed=keyed, asked=asked, families=families_of(settings))
        reasons = reading.reasons
        if voice is not None and "picture_weight" in player_of(settings).hears:
            from klangbild.models.bars.picture_reasons import voice_reasons

            reasons += voice_reasons(voice, settings)
        return Request(settings, seed, emotion, asked, origin, reasons, facts, picture, voice, kind=reading.kind_facts)

    def perform(
        self,
        request: Request,
        *,
        on_progress: OnProgress | None = None,
        on_bar: OnBar | None = None,
        reading_s: float = 0.0,
    ) -> Result:
        """What is asked -> music with its record. Notes are played when the result is asked for their sound."""
        if request.settings.soundfont is not None:  # a font that is not there is told before any work
            from klangbild.sound.fonts import find_soundfont

            find_soundfont(request.settings.soundfont)
        timings = {"emotion": reading_s}
        engine = self._engine(request.settings)
        started = time.perf_counter()
        output = engine.play(request, on_progress=on_progress, on_bar=on_bar)
        timings |= output.timings_s or {"music": time.perf_counter() - started}
        record = record_of(request, output, told=told_of(request, output), timings_s=timings)
        return Result(
            record,
            output.piece,
            output.stems,
            request.picture,
            output.stopped,
            output.length_s,
            replayed_by=replay_record,
            edited_by=edit,
        )

    def load(self, settings: Settings) -> None:
        """Load what the settings need. Raises NotAvailableError or UsageError, as `compose` would."""
        self._engine(settings)

    def _engine(self, settings: Settings) -> Engine:
        key = (
            settings.engine,
            settings.model,
            settings.conditioning,
            settings.sampler,
            settings.commercial,
            settings.device,
        )
        if key not in self._engines:
            self._engines[key] = load_engine(settings)
        return self._engines[key]


def new_seed() -> int:
    """A random seed, 0 .. 2**31 - 1."""
    return secrets.randbelow(2**31)


def _asked(predicted: Emotion, settings: Settings) -> Emotion:
    """What the music is asked for: the prediction, moved by --valence and --arousal, or where --path begins."""
    if settings.path is not None:
        return EmotionPath.parse(settings.path).at(0.0)
    valence = predicted.valence if settings.valence is None else settings.valence
    arousal = predicted.arousal if settings.arousal is None else settings.arousal
    # as exact as the record keeps it, so that a replay asks for the very same
    return Emotion(round(valence, 6), round(arousal, 6))


def _following_the_eye(
    settings: Settings, asked: Emotion, voice: Voice | None, picture: Picture | None
) -> tuple[Settings, Emotion, Voice]:
    """`--gaze` as the path that the eye goes: settings with it, where it begins, and the voice with the places looked at.

    Raises:
        UsageError: there is no picture, or a path is given as well.
    """
    from klangbild.emotion.gaze import gaze_of

    if picture is None or voice is None:
        raise UsageError("--gaze follows the eye through a picture, and there is none; give one, or leave --gaze out")
    if settings.path is not None:
        raise UsageError("--gaze and --path exclude each other; give one course")
    seconds = settings.length_seconds or 2.0 * (settings.bars or 15)
    path, points = gaze_of(picture, asked, seconds, model=settings.emotion_model, kind=settings.kind)
    voice = replace(voice, gaze=tuple((point.seconds, point.x, point.y) for point in points))
    return replace(settings, path=str(path)), path.at(0.0), voice


def _as_kept(emotion: Emotion) -> Emotion:
    """As exact as the record keeps it, so that a replay draws the very same."""
    places = (emotion.valence, emotion.arousal, emotion.valence_spread, emotion.arousal_spread)
    return Emotion(*(round(place, 4) for place in places))


def _with_emotion(settings: dict[str, Any]) -> dict[str, Any]:
    """`emotion=Emotion(v, a)` and `path=[Emotion, ...]` or EmotionPath, as Python callers may write them, to plain settings.

    Raises:
        UsageError: a name that is no setting; an emotion or a path of something else.
    """
    # numbers of NumPy are numbers
    settings = {k: v.item() if getattr(v, "ndim", None) == 0 and hasattr(v, "item") else v for k, v in settings.items()}
    emotion = settings.pop("emotion", None)
    Settings.check_names(settings)
    if emotion is not None:
        if not isinstance(emotion, Emotion):
            raise UsageError(f"emotion={str(emotion)[:60]!r} is no emotion; give Emotion(0.6, -0.3), or words as text")
        settings |= {"valence": emotion.valence, "arousal": emotion.arousal}
    path = settings.get("path")
    if isinstance(path, EmotionPath):
        settings["path"] = str(path)
    elif isinstance(path, (list, tuple)):
        if not path or not all(isinstance(point, Emotion) for point in path):
            raise UsageError("path holds what is no emotion; give Emotions, or text like '0:-0.6,0.2 30:0.7,0.6'")
        seconds = settings.get("seconds") or 30.0
        times = [seconds * i / max(len(path) - 1, 1) for i in range(len(path))]
        settings["path"] = str(EmotionPath(tuple(zip(times, path, strict=True))))
    for name in ("instruments", "without"):
        if isinstance(settings.get(name), (list, str)):
            value = settings[name]
            settings[name] = tuple(value.split(",") if isinstance(value, str) else value)
    return settings
