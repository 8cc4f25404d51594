"""What every engine and every notes model keeps, as types: `Request` -> `Engine` -> `EngineOutput`; `NoteModel`, `NoteLanguage`.

An engine makes music of a request. A notes model gives the odds of the next id of a piece in a language of notes, which turns
pieces into ids and back and knows its own grammar. `models/registry.py` names the engines; tests/test_contract.py holds all of them, and
all models, to what is promised here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from klangbild.emotion.heard import Heard
from klangbild.emotion.space import Emotion
from klangbild.settings import Settings

if TYPE_CHECKING:
    import numpy as np

    from klangbild.music.piece import Piece
    from klangbild.picture.picture import Picture
    from klangbild.picture.voice import Voice
    from klangbild.record.facts import PictureFacts
    from klangbild.sound.audio import Audio, LongAudio

OnProgress = Callable[[float, float], bool | None]
"""Called with (done, total) now and then; False means: stop, and keep what exists."""
OnBar = Callable[["Piece"], None]
"""Called with the piece so far at each bar, by engines that write notes one after the other."""


@dataclass(frozen=True)
class Request:
    """What is asked of the music: all that an engine needs, and all that `replay` must know. `picture` may be gone by then.

    emotion: the picture's own; asked: the music's, both on -1..1. source: where the emotion is from (picture, text, path,
    override). picture_facts: what the record keeps of the picture. voice: what is heard of it beside its feeling; None: there is no
    picture, or the piece was made before pictures had one. translate: whether words of other
    languages than English are heard by sound engines; not in the replay of a piece from before they were. kind: what the picture was taken for and how sure,
    for the record.
    """

    settings: Settings
    seed: int
    emotion: Emotion
    asked: Emotion
    source: str
    reasons: tuple[str, ...]
    picture_facts: PictureFacts | None
    picture: Picture | None = None
    voice: Voice | None = None
    translate: bool = True
    kind: Mapping[str, Any] | None = None

    @property
    def draw_seed(self) -> int:
        """What every draw starts from: the seed, and the picture where it has a voice, so that other pictures get other draws."""
        return self.seed if self.voice is None else self.voice.keyed(self.seed)


@dataclass(frozen=True)
class EngineOutput:
    """What an engine made: notes, or sound where a model makes it without notes.

    piece: the notes, which are played when somebody asks for their sound. stems: without notes, the sound, not yet mixed.
    model: {"name", "sha256", "licence"} (`record.facts.ModelFacts`). facts: the record's "music". timings_s: seconds per step. length_s: how long the sound
    is to be, its end faded; None: as long as it sounds. told: what the asker should know of wishes that were not quite granted. heard: what the judges of
    emotion hear in the notes; None: they were not asked, or could not tell.
    """

    piece: Piece | None
    stems: list[tuple[str, Audio | LongAudio]] | None
    model: dict[str, Any]
    facts: dict[str, Any]
    timings_s: dict[str, float] = field(default_factory=dict)
    stopped: bool = False
    device: str = "cpu"
    length_s: float | None = None
    told: tuple[str, ...] = ()
    heard: Heard | None = None


class Engine(Protocol):
    """A way to make music, its model loaded. What it hears of the settings stands in `models/registry.py`.

    Equal requests give equal notes, or equal sound where there are none.
    """

    @property
    def name(self) -> str:
        """The `--engine` that it plays for."""

    def play(self, request: Request, *, on_progress: OnProgress | None, on_bar: OnBar | None) -> EngineOutput:
        """Music for a request, the best of `settings.candidates`.

        on_progress may return False: what exists by then is kept, and `stopped` says so.

        Raises:
            Stopped: the caller stopped before there was anything to keep. UsageError: a wish that only the loaded model can
                tell is not heard.
        """


class NoteLanguage(Protocol):
    """`state` is the language's own grammar state: cheap to copy with `copy()`, advanced one id at a time."""

    @property
    def name(self) -> str:
        """Its name, by which a sampler knows what is special to it."""

    @property
    def size(self) -> int:
        """Number of ids; ids are 0..size-1."""

    @property
    def bos(self) -> int:
        """The id that every piece starts with."""

    @property
    def is_rhythm(self) -> np.ndarray:
        """bool (size,): ids that place music in time; the others are what sounds."""

    def encode(self, piece: Piece) -> np.ndarray:
        """Piece -> int ids (n,)."""

    def decode(self, ids: np.ndarray) -> Piece:
        """Ids (n,) -> piece; tolerant of a cut-off end."""

    def start(self, rules: Any) -> Any:
        """The grammar state before the first id, for these rules (`rules.Rules`)."""

    def advance(self, state: Any, token: int) -> None:
        """Move `state` past `token`."""

    def allowed(self, state: Any, rules: Any) -> np.ndarray:
        """bool (size,): ids that may come next. Never all False before the end."""


class NoteModel(Protocol):
    """Rows are independent pieces (candidates, and their unconditional twins for guidance) that move in step."""

    @property
    def context(self) -> int:
        """How many ids it can look back on."""

    @property
    def conditioning(self) -> str:
        """continuous_concat | continuous_token | discrete_token | none."""

    @property
    def fill(self) -> int:
        """How many ids it looks back on now; 0 after `start`."""

    def start(self, rows: int) -> None:
        """Forget everything; make room for `rows` rows."""

    def step(self, ids: np.ndarray, condition: np.ndarray) -> np.ndarray:
        """ids (rows, time) int64, condition (rows, time, 3) float32 = [valence, arousal, known 0|1] -> logits (rows, size) float32.

        The logits are those after the last of the given ids. `time` > 1 reads a whole prompt at once, as if id by id
        (int8 models but for their rounding, which is by the largest number of what is read together).
        """

    def prefix(self, condition: np.ndarray) -> np.ndarray:
        """Condition (rows, 3) -> the model's own ids (rows, k) that announce it at the start of a section; k may be 0."""
