"""Every knob once. The command line, the web page, the API and the docs' table are made from the fields below.

A field's metadata: `help` (one plain sentence), `min` and `max` (inclusive), `choices`, `group` (where faces show it),
`flag` and `metavar` where they are not the field's own name; `joins` where the flag may be given several times. Which engines and models listen to it stands in `models/registry.py`.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from klangbild.errors import UsageError
from klangbild.models.registry import ENGINES
from klangbild.music import meters
from klangbild.music.families import FAMILY_NAMES
from klangbild.slips import nearest, no_key, number_meant, tempo_meant

PRECISIONS = ("auto", "float32", "float16", "bfloat16")
CONDITIONINGS = ("continuous_concat", "continuous_token", "discrete_token", "none")
DEFAULT_SECONDS = 30.0
VIDEO_SHAPES = ("auto", "wide", "upright")
INSTRUMENTS = FAMILY_NAMES
METERS = tuple(f"{numerator}/{denominator}" for numerator, denominator in meters.METERS)


def _knob(default: Any, help: str, **metadata: Any) -> Any:
    return field(default=default, metadata={"help": help, **metadata})


@dataclass(frozen=True)
class Settings:
    """What a caller can choose about the music. Checked once, here; trusted everywhere else.

    An instrument by another name than its family's ("violin") becomes the family that plays it; `played_by` says so.

    Raises:
        UsageError: a value is out of range or unknown, or two wishes exclude each other. The message names the flag.
    """

    engine: str = _knob(
        "notes",
        "how music is made: note by note (notes), or all at once by diffusion (art2mus, melfusion)",
        choices=ENGINES,
        group="start",
    )
    model: str | None = _knob(
        None, "a model by name (see 'klangbild models list') or a folder; default: the one that ships",
        metavar="NAME|DIR", group="advanced",
    )  # fmt: skip
    seconds: float | None = _knob(
        None, "length of the music in seconds; as notes, to the nearest bar (default 30)", min=1, max=600, group="start",
    )  # fmt: skip
    exact: bool = _knob(
        False, "the sound lasts --seconds to the sample; the tempo moves by 3 % at most for it", group="music",
    )  # fmt: skip
    loop: bool = _knob(
        False, "the end leads to the beginning without a seam: no closing chord, and what rings on at the end sounds at the start",
        group="music",
    )  # fmt: skip
    bars: int | None = _knob(None, "length in bars, instead of seconds", min=1, max=400, group="music")
    gen_len: int | None = _knob(
        None, "length in tokens, instead of seconds (ARIA's measure); the piece still ends properly",
        min=64, max=16384, metavar="TOKENS", group="advanced",
    )  # fmt: skip
    seed: int | None = _knob(
        None, "the same seed makes the same music; default: a new one, told and stored", min=0, max=2**32 - 1,
        group="start",
    )  # fmt: skip
    valence: float | None = _knob(
        None, "ask for this valence (-1 unpleasant .. 1 pleasant) instead of what the picture says", min=-1, max=1,
        group="emotion",
    )  # fmt: skip
    arousal: float | None = _knob(
        None, "ask for this arousal (-1 calm .. 1 excited) instead of what the picture says", min=-1, max=1,
        group="emotion",
    )  # fmt: skip
    text: str | None = _knob(
        None, "words that join the picture, like 'calm piano, no drums': feelings, players, tempo, key, meter, style; in English, German, French, Spanish or Italian",
        metavar="WORDS", group="start",
    )  # fmt: skip
    negative: str | None = _knob(None, "words to keep away from", metavar="WORDS", group="music")
    conditioning: str = _knob(
        "continuous_concat", "how the emotion enters the note model (ARIA's three ways, or none)",
        choices=CONDITIONINGS, group="advanced",
    )  # fmt: skip
    note_temperature: float = _knob(
        1.0, "how adventurous the notes are", min=0.1, max=2.0, metavar="T", group="advanced"
    )
    rest_temperature: float = _knob(
        1.0, "how adventurous the rhythm is", min=0.1, max=2.0, metavar="T", group="advanced"
    )
    top_p: float = _knob(
        0.995, "choose among the likeliest notes that make up this share (1 = all)", min=0.05, max=1.0, metavar="P",
        group="advanced",
    )  # fmt: skip
    top_k: int = _knob(
        0, "choose among this many likeliest notes (0 = all)", min=0, max=2000, metavar="K", group="advanced",
    )  # fmt: skip
    repetition_penalty: float = _knob(
        1.0, "above 1, notes heard lately come back less often", min=1.0, max=2.0, metavar="R", group="advanced",
    )  # fmt: skip
    min_instruments: int = _knob(
        1, "how many different instrument families play at the least", min=1, max=11, metavar="N", group="music",
    )  # fmt: skip
    instruments: tuple[str, ...] | None = _knob(
        None, "only these instrument families play, and each is heard (comma-separated)", metavar="LIST", group="music",
        items=INSTRUMENTS,
    )  # fmt: skip
    without: tuple[str, ...] | None = _knob(
        None, "these instrument families do not play (comma-separated)", metavar="LIST", group="music",
        items=INSTRUMENTS,
    )  # fmt: skip
    key: str | None = _knob(None, "the key, like 'C', 'F# minor' or 'Bbm'", metavar="K", group="music")
    tempo: float | None = _knob(None, "beats (quarter notes) per minute", min=40, max=240, metavar="BPM", group="music")
    meter: str | None = _knob(None, "the meter, like 3/4", metavar="M", choices=METERS, group="music")
    picture_weight: float = _knob(
        1.0, "how much the picture itself is heard beside its feeling: its height, texture, symmetry, colors and skyline (0 = its feeling alone)",
        min=0, max=1, metavar="W", group="music",
    )  # fmt: skip
    candidates: int = _knob(
        1, "make this many pieces and keep the one that fits best", min=1, max=16, metavar="N", group="music"
    )
    drafts: int = _knob(
        3, "a piece that misses its emotion, as our judges hear it, is written up to this many times more, and the nearest is kept", min=0,
        max=3, metavar="N", group="music",
    )  # fmt: skip
    guidance: float | None = _knob(
        None, "how strongly the picture steers (1 = not beyond what was learnt; default: 1.75 for notes, 2 for klangbild-plan, 3.5 for Art2Mus, 3 for MeLFusion)",
        min=1.0, max=10.0, metavar="G", group="advanced",
    )  # fmt: skip
    steps: int | None = _knob(
        None, "denoising steps of a sound engine", min=1, max=1000, metavar="N", group="advanced",
    )  # fmt: skip
    path: str | None = _knob(
        None, "emotions over time, like '0:-0.6,0.2 30:0.7,0.6' (seconds:valence,arousal)", group="emotion",
        metavar='"SECONDS:V,A ..."',
    )  # fmt: skip
    hits: str | None = _knob(
        None, "a downbeat with an accent at this second; several: --hit 12 --hit 41.5, or --hit 12,41.5; the tempo moves by 3 % at most for it",
        flag="--hit", metavar="SECONDS", joins=True, group="music",
    )  # fmt: skip
    gaze: bool = _knob(
        False,
        "follow the picture from left to right: the music's emotion goes the way that the picture's does",
        group="emotion",
    )
    continue_from: str | None = _knob(
        None, "go on from this MIDI file", flag="--continue", metavar="FILE.mid", group="music"
    )
    soundfont: str | None = _knob(
        None, "a SoundFont to play the notes with: a file (SF2, SF3) or a name of 'klangbild fonts'; default: TimGM6mb",
        metavar="FILE|NAME", group="sound",
    )  # fmt: skip
    loudness: float | str = _knob(
        -14.0, "integrated loudness of the sound in LUFS, or 'off'", min=-40, max=-8, metavar="LUFS|off", group="sound"
    )
    video: str = _knob(
        "auto", "the shape of an MP4: 1920x1080 (wide), 1080x1920 (upright), or the one that the picture is nearer to (auto)",
        choices=VIDEO_SHAPES, group="sound",
    )  # fmt: skip
    emotion_model: str = _knob(
        "klangbild", "who reads the picture's emotion: klangbild, features, aria, or a folder", metavar="NAME|DIR",
        group="emotion",
    )  # fmt: skip
    kind: str = _knob(
        "auto", "what the picture is, for those who know better than we do", choices=("auto", "painting", "photo"),
        group="emotion",
    )  # fmt: skip
    image_tokens: int | None = _knob(
        None, "how many tokens the picture becomes; 0 = straight into every block (default: 4 and its feeling in words; Art2Mus: 1)",
        choices=(0, 1, 4), group="advanced",
    )  # fmt: skip
    synapse: float = _knob(
        1.0, "how much of the picture passes the synapse (0 = words only)", min=0, max=1, group="advanced",
    )  # fmt: skip
    sampler: str = _knob(
        "klangbild", "who draws the notes: our sampler, or midi-emotion's, step for step (ARIA models only)",
        choices=("klangbild", "midi-emotion"), group="advanced",
    )  # fmt: skip
    commercial: bool = _knob(False, "refuse models whose licence forbids commercial use", group="advanced")
    device: str = _knob(
        "cpu",
        "where to compute: auto, cpu, cuda or cuda:N (published sound systems, ARIA's models; ours run on the CPU)",
        flag="-d",
        metavar="D",
        group="advanced",
    )
    precision: str = _knob(
        "auto", "how precisely the published sound systems compute: auto is float32 on the CPU and float16 on a GPU; bfloat16 takes half the memory of float32",
        choices=PRECISIONS, group="advanced",
    )  # fmt: skip
    offload: bool = _knob(
        False, "the parts of a published sound system wait in main memory while they do nothing, and attention is computed in slices: less memory of the GPU, slower",
        group="advanced",
    )  # fmt: skip

    def __post_init__(self) -> None:
        self._name_families()
        self._as_text()
        for knob in fields(self):
            value = getattr(self, knob.name)
            _check(knob, value)
            if isinstance(value, os.PathLike):  # as the record can hold it
                object.__setattr__(self, knob.name, os.fspath(value))
        given = [name for name in ("seconds", "bars", "gen_len") if getattr(self, name) is not None]
        if len(given) > 1:
            raise UsageError(f"{' and '.join(flag_of(n) for n in given)} exclude each other; give one length")
        if self.exact and self.seconds is None:
            raise UsageError("--exact needs a length in seconds; give --seconds as well, or leave --exact out")
        if self.exact and self.continue_from is not None:
            raise UsageError(
                "--exact and --continue exclude each other: the bars that a piece goes on from keep their length; leave one out"
            )
        if self.hits is not None:
            from klangbild.music.hits import parse_hits

            parse_hits(self.hits)
            for name in ("continue_from", "gen_len"):
                if getattr(self, name) is not None:
                    raise UsageError(
                        f"--hit and {flag_of(name)} exclude each other: a hit counts seconds from the start of a piece whose length is asked for "
                        "in seconds or bars; leave one out"
                    )
        if self.loop and self.gen_len is not None:
            raise UsageError("--loop is made of whole bars; give --seconds or --bars instead of --gen-len")
        if self.instruments and self.without and set(self.instruments) & set(self.without):
            both = ", ".join(sorted(set(self.instruments) & set(self.without)))
            raise UsageError(f"--instruments and --without both name {both}; take it out of one of them")
        allowed = len(set(self.instruments or INSTRUMENTS) - set(self.without or ()))
        if allowed == 0:
            raise UsageError("--without: every instrument family is excluded; leave at least one")
        if self.min_instruments > allowed:
            raise UsageError(
                f"--min-instruments {self.min_instruments} is more than the {allowed} instrument families allowed; "
                "ask for fewer or allow more"
            )
        if self.key is not None:
            from klangbild.music.piece import Key

            try:
                Key.parse(self.key)
            except ValueError:
                raise UsageError(no_key(self.key)) from None
        if self.path is not None:
            from klangbild.emotion.space import EmotionPath

            EmotionPath.parse(self.path)
            if self.valence is not None or self.arousal is not None:
                raise UsageError("--path and --valence/--arousal exclude each other; put the emotion into the path")
        if self.gaze and (self.valence is not None or self.arousal is not None):
            raise UsageError(
                "--gaze and --valence/--arousal exclude each other: with --gaze the picture says the emotion"
            )
        if not re.fullmatch(r"auto|cpu|mps|cuda(:\d{1,3})?", str(self.device)):
            raise UsageError(f"--device '{self.device}' is no device; choose auto, cpu, cuda or cuda:N")
        if self.engine != "notes" and self.sampler == "midi-emotion":
            raise UsageError("--sampler midi-emotion draws notes; use it with --engine notes")

    @property
    def played_by(self) -> dict[str, str]:
        """{an instrument as it was named: the family that plays it}, of what is no family's own name."""
        return dict(self.__dict__.get("_played_by", {}))

    def _as_text(self) -> None:
        """Hits as Python callers may give them, a number or several, as the text that the record keeps."""
        if self.hits is not None and not isinstance(self.hits, str):
            from klangbild.music.hits import hits_as_text

            object.__setattr__(self, "hits", hits_as_text(self.hits))

    def _name_families(self) -> None:
        told: dict[str, str] = {}
        named: dict[str, list[str]] = {}
        for name in ("instruments", "without"):
            value = getattr(self, name)
            if isinstance(value, (tuple, list)) and not set(map(str, value)) <= set(INSTRUMENTS):
                from klangbild.music.instrument_names import families_of

                families, played_by = families_of(map(str, value), flag_of(name))
                object.__setattr__(self, name, families)
                named[name] = [str(item) for item in value]
                told |= played_by
        if told:
            object.__setattr__(self, "_played_by", told)
            object.__setattr__(self, "_named", named)

    @property
    def length_seconds(self) -> float | None:
        """Seconds asked for, 30 if no length was given, None if the length is in bars or tokens."""
        if self.bars is not None or self.gen_len is not None:
            return None
        return DEFAULT_SECONDS if self.seconds is None else self.seconds

    @property
    def loudness_lufs(self) -> float | None:
        """The loudness that the sound is brought to, in LUFS; None: its level is left alone."""
        return None if self.loudness == "off" else float(self.loudness)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values of every field, in order."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    def as_asked(self) -> dict[str, Any]:
        """`as_dict` with instruments by the names they were asked by, for another process that is to tell who plays them."""
        return {**self.as_dict(), **self.__dict__.get("_named", {})}

    def with_seed(self, seed: int) -> Settings:
        """The same with a seed that was drawn; `played_by` stays. Raises UsageError: the seed is out of range."""
        return Settings.from_dict({**self.as_asked(), "seed": seed})

    @staticmethod
    def check_names(names: Iterable[str]) -> None:
        """Raises UsageError for a name that is no setting."""
        known = [knob.name for knob in fields(Settings)]
        for name in names:
            if name not in known:
                raise UsageError(f"'{name}' is not a setting{_nearest(name, known)}")

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Settings:
        """The inverse of `as_dict`; unknown names raise UsageError."""
        Settings.check_names(values)
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return Settings(**given)


def flag_of(name: str) -> str:
    """The command-line flag of a field.

    >>> flag_of("note_temperature"), flag_of("continue_from")
    ('--note-temperature', '--continue')
    """
    for knob in fields(Settings):
        if knob.name == name and knob.metadata.get("flag", "").startswith("--"):
            return knob.metadata["flag"]
    return "--" + name.replace("_", "-")


def _nearest(word: Any, known: Any) -> str:
    close, all_of_them = nearest(str(word), known), f"choose from {', '.join(str(k) for k in known)}"
    if close and str(word)[:1].isdigit():  # 12/8 is spelt like 11/8, and is another meter
        return f"; did you mean '{close}'? ({all_of_them})"
    return f"; did you mean '{close}'?" if close else f"; {all_of_them}"


def _check(knob: Any, value: Any) -> None:
    """One field's value against its metadata. Raises UsageError."""
    if value is None:
        return
    flag, meta = flag_of(knob.name), knob.metadata
    if "items" in meta:
        if not isinstance(value, tuple) or not value:
            raise UsageError(f"{flag} needs at least one of {', '.join(meta['items'])}")
        return  # its items are families by now
    if "choices" in meta and value not in meta["choices"]:
        raise UsageError(f"{flag} '{_shown(value)}' is not known{_nearest(value, meta['choices'])}")
    if "min" in meta:
        _check_number(knob, value)
    elif str(knob.type).startswith("str") and not isinstance(value, (str, os.PathLike)):
        raise UsageError(f"{flag} '{_shown(value)}' is not text; give it in quotes")


def _check_number(knob: Any, value: Any) -> None:
    flag, low, high = flag_of(knob.name), knob.metadata["min"], knob.metadata["max"]
    or_off = " or 'off'" if knob.name == "loudness" else ""
    if or_off and value == "off":
        return
    whole = "int" in str(knob.type)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or (isinstance(value, float) and (whole or not math.isfinite(value))):
        kind = "a whole number" if whole else "a number"
        meant = number_meant(_shown(value), whole=whole, low=low, high=high, seconds=knob.name == "seconds")
        meant = meant or (tempo_meant(_shown(value)) if knob.name == "tempo" else None)
        hint = f"write {meant} ({low} to {high}{or_off})" if meant else f"give {kind} from {low} to {high}{or_off}"
        raise UsageError(f"{flag} '{_shown(value)}' is not {kind}; {hint}")
    if not low <= value <= high:
        raise UsageError(f"{flag} {_shown(value)} is out of range; give a number from {low} to {high}{or_off}")


def _shown(value: Any) -> str:
    """A wrong value as a message may hold it: short, whatever it is."""
    try:
        text = f"{value:g}" if isinstance(value, float) else str(value)
    except ValueError:  # Python writes no number of more than some 4,000 digits
        return "a number of many digits"
    return text if len(text) <= 80 else f"{text[:60]}..."
