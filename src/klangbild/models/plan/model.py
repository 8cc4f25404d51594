"""Our plan model, `klangbild-plan`, by onnxruntime and numpy: words and a picture -> what the sections of a piece are like.

How many sections a length in seconds has depends on the tempo. So where that is not given, a first, short draft of one section says it (`DRAFT_STEPS` steps from the same noise), and it is held from then on, as
is everything that was asked for by name: players, mode, meter, feelings.
"""

from __future__ import annotations

import hashlib
import math
import zipfile
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from klangbild.errors import InputError, NotAvailableError, Stopped
from klangbild.models.plan.base import AXES, BASE, GONE, NAME, WORDS, read_card, refuse_if_gone, shipped_folder
from klangbild.models.plan.caption_words import CARD, CaptionWords, Vocabulary, caption_mask
from klangbild.models.plan.channels import (
    AROUSAL,
    COMPOUND,
    FEELING_GAIN,
    MODE,
    TEMPO,
    TRIPLE,
    VALENCE,
    PlannedSections,
    tempo_number,
    to_plan,
)
from klangbild.models.plan.condition import PICTURE_PLACES, Condition, words_only
from klangbild.models.plan.english import in_english
from klangbild.models.plan.near_words import nearest_meanings
from klangbild.models.plan.packed_weights import unpacked
from klangbild.models.plan.sampler import Held, OnStep, sample
from klangbild.music.families import FAMILY_INDEX, FAMILY_NAMES
from klangbild.shipped import open_session

DRAFT_STEPS = 8
SECTION_BARS = 8
_THREES, _SIXES = ((3, 4), (3, 8), (9, 8)), ((6, 8), (12, 8), (6, 4))


@dataclass(frozen=True)
class PlanRequest:
    """What is held beside words and picture. seconds: None where `bars` are given; neither: as many sections as the flow knows at once; required: families that play,
    forbidden: those that do not; feeling: valence and arousal (None or a number, each)."""

    seconds: float | None = None
    bars: int | None = None
    tempo: float | None = None
    major: bool | None = None
    meter: tuple[int, int] | None = None
    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    feeling: tuple[float | None, float | None] = (None, None)
    held: Held = field(default_factory=dict)


class PlanFlow:
    """Words, numbers and network of a folder. `layers`, `width`, `channels`: the network's; `card`: of the base.

    Raises:
        NotAvailableError: a file is not there. InputError: one is damaged, or they do not belong together.
    """

    files = (WORDS, BASE, AXES)
    window, fewest, grid = 6, 1, 1
    guidance = 2
    """How strongly it is steered where nobody says."""

    def __init__(self, folder: Path) -> None:
        if (folder / "sound-base.json").is_file():
            refuse_if_gone(next(reversed(GONE)), source=str(folder))
        for name in (*self.files, CARD):
            if not (folder / name).is_file():
                raise NotAvailableError(
                    f"{folder / name}: the plan model is not in this installation; use --engine notes, or make it "
                    "with 'klangbild train plan'"
                )
        self.folder = folder
        self.card = read_card(folder)
        self._words, self._base = (open_graph(folder / name) for name in (WORDS, BASE))
        try:
            self.vocabulary = Vocabulary(self.card["vocabulary"])
            shapes = {entry.name: entry.shape for entry in self._base.get_inputs()}
            self.channels = int(shapes["x"][2])
            self.layers, self.width = int(shapes["image_k"][1]), int(shapes["image_k"][3])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{folder / CARD}: is not the card of a plan model ({error})") from None
        try:
            with np.load(folder / AXES, allow_pickle=False) as archive:
                self._axes = unpacked({name: archive[name] for name in archive.files})
            self._axes["enter_weight"], self._axes["leave_weight"]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise InputError(f"{folder / AXES}: is not a part of the plan model ({error}); install it again") from None

    @property
    def name(self) -> str:
        return str(self.card.get("name", NAME))

    @property
    def licence(self) -> str:
        return str(self.card.get("licence", "unstated"))

    def sha256(self, *others: str) -> str:
        """One hash for all files, and whatever else (a picture part's hash, the notes model's) makes the music."""
        digest = hashlib.sha256()
        for name in self.files:
            digest.update(hashlib.sha256((self.folder / name).read_bytes()).digest())
        for other in others:
            digest.update(other.encode())
        return digest.hexdigest()

    def read(self, text: str | None, *, translate: bool = True) -> CaptionWords:
        """Which words of a text the model knows, in which language ever, and what others stand for where a sentence encoder is
        installed. translate: False, only English."""
        text, translated = in_english(text, self.vocabulary) if translate else (text, {})
        found = self.vocabulary.read(text, partial(nearest_meanings, self.vocabulary.meanings()))
        return replace(found, translated=translated)

    def tokens(self, ids: tuple[int, ...] | list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of words (12) -> (tokens (12, D), mask (12,)); without a word the one that means "nothing said"."""
        tokens = self._words.run(["tokens"], {"words": np.array([ids], np.int64)})[0][0]
        return tokens, np.array(caption_mask(list(ids)), np.float32)

    def words(self, ids: tuple[int, ...] | list[int]) -> Condition:
        """A condition of words alone."""
        return words_only(*self.tokens(ids), layers=self.layers)

    def numbers(self, ids: tuple[int, ...] | list[int], axes: np.ndarray, known: tuple[bool, bool]) -> Condition:
        """Words (none: zeros), and feeling and traits (8,) told as numbers; known: whether the feeling is, whether the traits are."""
        words, a = self.words(ids), self._axes
        told = np.concatenate([axes[:2] * known[0], axes[2:] * known[1], known]).astype(np.float32)
        hidden = told @ a["enter_weight"] + a["enter_bias"]
        tokens = (hidden / (1 + np.exp(-hidden))) @ a["leave_weight"] + a["leave_bias"]
        context, mask = words.context.copy(), words.mask.copy()
        context[-PICTURE_PLACES:] = tokens.reshape(PICTURE_PLACES, -1)
        mask[-PICTURE_PLACES:] = 1.0
        return replace(words, context=context, mask=mask)

    def velocity(self, x: np.ndarray, t: np.ndarray, conditions: dict[str, np.ndarray]) -> np.ndarray:
        """x (B, T, C), t (B,) -> (B, T, C); see `sampler.Velocity`."""
        return self._base.run(["velocity"], {"x": x, "t": t, **conditions})[0]

    def make(
        self, positive: Condition, negative: Condition, rng: np.random.Generator, asked: PlanRequest, *, steps: int, guidance: float,
        on_step: OnStep | None = None,
    ) -> np.ndarray:  # fmt: skip
        """Rows (n, channels) of as many sections as are asked for.

        Raises:
            Stopped: `on_step` said so.
        """
        seed = int(rng.integers(2**62))

        def drawn(n: int, held: Held, steps: int, on_step: OnStep | None) -> np.ndarray:
            return sample(
                self, positive, negative, np.random.default_rng(seed), n_rows=n, channels=self.channels, steps=steps,
                guidance=guidance, held=held, on_step=on_step,
            )  # fmt: skip

        held = held_of(asked)
        if asked.bars is not None:
            return drawn(math.ceil(asked.bars / SECTION_BARS), held, steps, on_step)
        if on_step is not None and on_step(0) is False:
            raise Stopped("stopped at the first draft; nothing was written")
        draft = to_plan(drawn(1, held, min(DRAFT_STEPS, steps), None))
        bpm, meter = asked.tempo or float(draft.bpm[0]), asked.meter or draft.meter
        section_s = SECTION_BARS * 4.0 * meter[0] / meter[1] * 60.0 / bpm
        n = self.window if asked.seconds is None else max(math.ceil(asked.seconds / section_s + 0.25), 1)
        return drawn(n, {**held, TEMPO: float(tempo_number(bpm))}, steps, on_step)

    def plan(self, rows: np.ndarray) -> PlannedSections:
        """Rows (n, channels) of `make` -> the plan."""
        return to_plan(rows)


def held_of(asked: PlanRequest) -> Held:
    """Channels that are known -> the numbers that they are held at."""
    held: Held = dict(asked.held)
    held |= {FAMILY_INDEX[name]: -1.0 for name in asked.forbidden} | {
        FAMILY_INDEX[name]: 1.0 for name in asked.required
    }
    if asked.required:
        held |= {FAMILY_INDEX[name]: -1.0 for name in FAMILY_NAMES if name not in asked.required}
    if asked.tempo is not None:
        held[TEMPO] = float(tempo_number(asked.tempo))
    if asked.major is not None:
        held[MODE] = 1.0 if asked.major else -1.0
    if asked.meter is not None:
        held |= {TRIPLE: 1.0 if asked.meter in _THREES else -1.0, COMPOUND: 1.0 if asked.meter in _SIXES else -1.0}
    for channel, value in zip((VALENCE, AROUSAL), asked.feeling, strict=True):
        if value is not None:
            held[channel] = FEELING_GAIN * value
    return held


@lru_cache(maxsize=4)
def open_plan(folder: Path | None = None) -> PlanFlow:
    """A folder's model, opened once; without one the model that ships."""
    return PlanFlow(folder or shipped_folder())


def open_graph(path: Path) -> Any:
    """A graph in onnxruntime, on one thread: the same bytes on every machine. Raises InputError: it is damaged."""
    try:
        return open_session(path)
    except Exception as error:  # onnxruntime raises its own kinds for every damaged file
        first = str(error).splitlines()[0]
        raise InputError(f"{path}: is not a part of the plan model ({first}); install it again") from error
