"""`Record`: what a piece is and how to make it again, typed; the only place where that is kept (schema 1).

As JSON it is written beside the files as NAME.json. It also travels inside them, so that `replay` works from any: without what belongs
to one run (`Run`), and inside the MIDI file and the piano roll without the sound, whose making changes no byte of theirs. So equal
seeds give equal bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from klangbild import __version__
from klangbild.emotion.heard import Heard
from klangbild.emotion.space import Emotion
from klangbild.picture.voice import Voice
from klangbild.record.shape import SCHEMA, check_shape
from klangbild.settings import Settings

COMPOSING = "4"
"""The rules by which notes are composed: raised whenever a record that an older klangbild made would give other notes.
1: before sections were chosen by their tempo, too; 2: before pieces were arranged and slowed down at their end."""
PLAYING = "2"
"""The rules by which notes become sound: raised whenever the same notes and the same SoundFont would sound otherwise.
1: before fonts' modulators, releases from where a note stands, and a mix in which the tune and the bass are always heard."""
_HALVES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class ModelFacts:
    """Which model made the music; sha256 of its weights and its licence, where they are known."""

    name: str
    sha256: str | None = None
    licence: str | None = None


@dataclass(frozen=True)
class PictureFacts:
    """The picture: its name without folder and suffix, the sha256 of its file, width and height in pixels, its words where it has any."""

    name: str
    sha256: str
    width: int | None = None
    height: int | None = None
    alt: str | None = None


@dataclass(frozen=True)
class EmotionFacts:
    """own: the emotion of the picture or the words, on the raters' scale, with its spread; asked: what the music was asked for, on
    the music's plane. Both on -1..1. source: where asked is from (picture, text, mixed, override, path).
    kind: {"taken_for": photo or painting, "sure": 0.5..1}, of a picture; older records have none."""

    own: Emotion
    asked: Emotion
    source: str
    kind: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; the words for the emotion come from its place."""
        own, asked = self.own, self.asked
        kind = {} if self.kind is None else {"kind": dict(self.kind)}
        return {
            "valence": round(own.valence, 4), "arousal": round(own.arousal, 4),
            "valence_spread": round(own.valence_spread, 4), "arousal_spread": round(own.arousal_spread, 4),
            "name": own.name, "source": self.source,
            "asked": {"valence": round(asked.valence, 6), "arousal": round(asked.arousal, 6)}, **kind,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EmotionFacts:
        """The inverse of `as_dict`, of values that were checked."""
        asked = values["asked"]
        return cls(
            Emotion(values["valence"], values["arousal"], values["valence_spread"], values["arousal_spread"]),
            Emotion(asked["valence"], asked["arousal"]),
            values["source"],
            values.get("kind"),
        )


@dataclass(frozen=True)
class MusicFacts:
    """What its engine tells of the music: seconds, bars, tempo, key, ..., each engine what it knows. Named here is what we read."""

    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The music in words; "" where there are no notes to make them of."""
        return str(self.facts.get("words", ""))

    @property
    def key(self) -> str:
        """Like "B major"; "" where it is not known."""
        return str(self.facts.get("key", ""))

    @property
    def tempo(self) -> str:
        """Beats per minute, as it is written in names of files; "" where it is not known."""
        return str(self.facts.get("tempo", ""))

    @property
    def words_heard_as(self) -> Mapping[str, str]:
        """{a word that the model does not know, or one of another language: the one that it was heard as}."""
        return {**self.facts.get("words_translated", {}), **self.facts.get("words_heard_as", {})}


@dataclass(frozen=True)
class SoundFontFacts:
    """What played the notes: the name of its file, and its sha256."""

    name: str
    sha256: str


@dataclass(frozen=True)
class SoundFacts:
    """The finished sound: samples a second, seconds, integrated loudness (LUFS), true peak (dBTP). soundfont: where notes were played."""

    rate: int
    seconds: float
    lufs: float
    true_peak_dbtp: float
    soundfont: SoundFontFacts | None = None


@dataclass(frozen=True)
class EditFacts:
    """How a piece was edited (`klangbild.editing`), and all that this needs again. name: of the piece it was made from; notes: that piece's MIDI file,
    packed (`editing.source`), sha256: of its bytes; asked: what it was asked for. wish: what was to be done, by name; the record's seed is that of
    the edit. before: the wishes of the edits that it had behind it."""

    name: str
    sha256: str
    notes: str
    asked: Emotion
    wish: Mapping[str, Any]
    before: tuple[Mapping[str, Any], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        asked = {"valence": round(self.asked.valence, 6), "arousal": round(self.asked.arousal, 6)}
        source = {"name": self.name, "sha256": self.sha256, "asked": asked, "notes": self.notes}
        before = {"before": [dict(wish) for wish in self.before]} if self.before else {}
        return {"wish": dict(self.wish), **before, "source": source}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EditFacts:
        """The inverse of `as_dict`, of values that were checked."""
        source = values["source"]
        asked = Emotion(source["asked"]["valence"], source["asked"]["arousal"])
        return cls(
            source["name"], source["sha256"], source["notes"], asked, values["wish"], tuple(values.get("before", ()))
        )


@dataclass(frozen=True)
class Run:
    """What differs from run to run. told: wishes that were not quite granted, a line each. timings_s: seconds by step. files: {format:
    name of the file} of what was saved last. device: where the model computed."""

    told: tuple[str, ...] = ()
    timings_s: Mapping[str, float] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    device: str = "cpu"


@dataclass(frozen=True, eq=False)
class Record(Mapping[str, Any]):
    """One piece: all that it depends on, and what came of it.

    Its parts are typed (`record.music.words`); it can also be read as its JSON is, by name (`record["music"]["words"]`).

    klangbild: the version that made it. settings: with the seed that was drawn. picture: None for music from words alone. sound: None
    until the sound is made, and where the record travelled in a file that does not know it. run: None where the record travelled
    inside a file. voice: what was heard of the picture beside its feeling, and the key of its draws; None: there was no picture, or
    pictures had none yet. heard: what the judges of emotion hear in the notes; None: they were not asked, or could not tell.
    edit: how it was made of another piece; None: it was composed.
    """

    klangbild: str
    settings: Settings
    model: ModelFacts
    picture: PictureFacts | None
    emotion: EmotionFacts
    reasons: tuple[str, ...]
    music: MusicFacts
    sound: SoundFacts | None
    versions: Mapping[str, str]
    run: Run | None
    voice: Voice | None = None
    heard: Heard | None = None
    edit: EditFacts | None = None

    @property
    def engine(self) -> str:
        """The `--engine` that made it."""
        return self.settings.engine

    @property
    def seed(self) -> int:
        """0 .. 2**32 - 1."""
        return int(self.settings.seed or 0)

    @property
    def name(self) -> str:
        """The picture's name, which files are called after; where there was none the edited piece's, or "words"."""
        return self.picture.name if self.picture else self.edit.name if self.edit else "words"

    @property
    def told(self) -> tuple[str, ...]:
        """What its asker should know of wishes that were not, or not quite, granted: a line each."""
        return self.run.told if self.run else ()

    def asks_the_same(self, other: Record) -> bool:
        """Whether both are of one picture's bytes (or of none) and of equal settings, so that they are records of one piece."""
        mine, theirs = self.picture, other.picture
        return self.settings == other.settings and (mine and mine.sha256) == (theirs and theirs.sha256)

    def with_sound(self, sound: SoundFacts, timings_s: Mapping[str, float], told: Iterable[str] = ()) -> Record:
        """Now that the sound is made: what it is like, how long that took, and what its asker should know besides."""
        run = self.run or Run()
        more = tuple(dict.fromkeys([*run.told, *told]))
        return replace(self, sound=sound, run=replace(run, told=more, timings_s={**run.timings_s, **timings_s}))

    def with_files(self, files: Mapping[str, str]) -> Record:
        """Now that these are saved: {format: name of the file}."""
        return replace(self, run=replace(self.run or Run(), files=dict(files)))

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, in the order in which they are written."""
        run, sound = self.run, self.sound
        written: dict[str, Any] = {
            "klangbild": self.klangbild,
            "schema": SCHEMA,
            "engine": self.engine,
            "model": vars(self.model).copy(),
            "seed": self.seed,
            "picture": None if self.picture is None else _given(self.picture),
            "emotion": self.emotion.as_dict(),
            "reasons": list(self.reasons),
        }
        if self.voice is not None:
            written["voice"] = self.voice.as_dict()
        if run is not None:
            written["told"] = list(run.told)
        written |= {"settings": self.settings.as_dict(), "music": dict(self.music.facts)}
        if self.edit is not None:
            written["edit"] = self.edit.as_dict()
        if self.heard is not None:
            written["heard"] = self.heard.as_dict(self.emotion.asked)
        if sound is not None:
            font = {"soundfont": vars(sound.soundfont).copy()} if sound.soundfont else {}
            written["sound"] = {**_given(sound), **font}
        elif run is not None:
            written["sound"] = None
        written |= {"versions": dict(self.versions), "ai_generated": True}
        if run is not None:
            written |= {"timings_s": dict(run.timings_s), "files": dict(run.files), "device": run.device}
        return written

    def to_json(self) -> str:
        """The text of NAME.json."""
        return _whole_text(json.dumps(self.as_dict(), ensure_ascii=False, indent=2)) + "\n"

    def embedded(self, *, sound: bool = True) -> str:
        """The text that travels inside a file, in one line, without what belongs to the run. sound: with what is known of the sound."""
        kept = replace(self, run=None, sound=self.sound if sound else None)
        return _whole_text(json.dumps(kept.as_dict(), ensure_ascii=False, separators=(",", ":")))

    @classmethod
    def from_dict(cls, values: Any, name: str = "the record") -> Record:
        """The inverse of `as_dict`, of any value. name: of the file that it is from.

        Raises:
            InputError: it is none of ours, of another schema, or a field of it is missing or not what it should be (which is told).
        """
        settings = check_shape(values, name)
        picture, sound = values.get("picture"), values.get("sound")
        run = None
        if "timings_s" in values or "files" in values:
            told = {key: values[key] for key in ("timings_s", "files", "device") if key in values}
            run = Run(tuple(values.get("told", ())), **told)
        return cls(
            values["klangbild"],
            settings,
            _read(ModelFacts, values["model"]),
            None if picture is None else _read(PictureFacts, picture),
            EmotionFacts.from_dict(values["emotion"]),
            tuple(values["reasons"]),
            MusicFacts(values.get("music", {})),
            None if sound is None else _sound(sound),
            values.get("versions", {}),
            run,
            Voice.from_dict(values["voice"]) if values.get("voice") else None,
            Heard.from_dict(values["heard"]) if values.get("heard") else None,
            EditFacts.from_dict(values["edit"]) if values.get("edit") else None,
        )

    def __getitem__(self, name: str) -> Any:
        return self.as_dict()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.as_dict())

    def __len__(self) -> int:
        return len(self.as_dict())


def versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    found = {"klangbild": __version__, "composing": COMPOSING, "playing": PLAYING}
    for name in ("numpy", "scipy", "onnxruntime", "symusic"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "?"
    return found


def _given(facts: PictureFacts | SoundFacts) -> dict[str, Any]:
    """The plain facts that are known."""
    return {name: value for name, value in vars(facts).items() if isinstance(value, (str, int, float))}


def _read(kind: type, values: Mapping[str, Any]) -> Any:
    """The facts of a kind out of values that were checked, whatever else these hold."""
    return kind(**{one.name: values[one.name] for one in fields(kind) if one.name in values})


def _sound(values: Mapping[str, Any]) -> SoundFacts:
    font = values.get("soundfont")
    return _read(SoundFacts, {**values, "soundfont": None if font is None else _read(SoundFontFacts, font)})


def _whole_text(text: str) -> str:
    """Without halves of surrogate pairs (names of files that are not UTF-8), which no file can hold."""
    return _HALVES.sub("\ufffd", text)
