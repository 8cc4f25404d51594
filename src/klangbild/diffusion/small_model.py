"""Our small sound models at run time: onnxruntime and numpy, no torch.

    sound-words.onnx    words (n, 12) -> tokens (n, 12, D)
    sound-base.onnx     latents, time, what is listened to -> velocity
    sound-base.json     the card: which latent it is, the vocabulary, the licence

`SmallModel` is what the two have in common. In `SmallSound` (latent "mel") latents are a log-mel spectrogram,

    sound-latent.npz    latents <-> log-mel
    sound-magnitudes.onnx and Griffin-Lim    log-mel -> sound

and in `roll_model.RollSound` (latent "roll") beats of music as notes. One thread: the same bytes on every machine. A model is a
folder: the package's own, or any other with files of these names.
"""

from __future__ import annotations

import hashlib
import json
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import lru_cache, partial
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from klangbild.diffusion.finish import finish
from klangbild.diffusion.near_words import nearest_meanings
from klangbild.diffusion.small_condition import Condition, words_only
from klangbild.diffusion.small_latent import LATENTS_PER_S, RATE, MelLatent
from klangbild.diffusion.small_sampler import OnStep, sample
from klangbild.diffusion.small_vocoder import MagnitudeModel, griffin_lim, open_session
from klangbild.diffusion.small_words import CARD, CaptionWords, Vocabulary, caption_mask
from klangbild.emotion.space import Emotion
from klangbild.errors import InputError, NotAvailableError, UsageError
from klangbild.notes.piece import Piece
from klangbild.sound.audio import Audio

NAME, ROLL_NAME = "klangbild-small", "klangbild-roll"
BASE, WORDS = "sound-base.onnx", "sound-words.onnx"
FOLDERS = {NAME: "", ROLL_NAME: "roll"}
"""Where in `weights/` each model lies that ships."""
PREFERRED = (ROLL_NAME, NAME)
"""Which of them is played where none is named, the better one first (see the docs)."""
VARIANT_OF = {None: "4", 0: "direct", 1: "1", 4: "4"}
"""Art2Mus's projection by `--image-tokens`."""


@dataclass(frozen=True)
class Asked:
    """What is asked of the sound beside words and picture. seconds: None where `bars` are given; words: those that were heard;
    tempo (bpm), key, families that play and families that do not: None, the model's own choice."""

    seconds: float | None
    feeling: Emotion
    words: tuple[str, ...] = ()
    tempo: float | None = None
    key: str | None = None
    bars: int | None = None
    instruments: tuple[str, ...] | None = None
    without: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Played:
    """Notes, or without them stereo stems of exactly `seconds`; and what the record says beside."""

    seconds: float
    stems: list[tuple[str, Audio]] | None = None
    piece: Piece | None = None
    facts: dict[str, Any] = field(default_factory=dict)


class SmallModel(ABC):
    """Words and network of a folder. `layers`, `width`, `channels`: the network's; `card`: of the base.

    Raises:
        NotAvailableError: a file is not there. InputError: one is damaged, or they do not belong together.
    """

    files: ClassVar[tuple[str, ...]] = (WORDS, BASE)
    window: int
    fewest: int
    grid: int
    guidance: float
    """How strongly it is steered where nobody says."""

    def __init__(self, folder: Path) -> None:
        for name in (*self.files, CARD):
            if not (folder / name).is_file():
                raise NotAvailableError(
                    f"{folder / name}: the small sound model is not in this installation; use --engine notes, or make it "
                    "with 'klangbild train sound'"
                )
        self.folder = folder
        self.card = read_card(folder)
        self._words, self._base = (open_session(folder / name) for name in (WORDS, BASE))
        try:
            self.vocabulary = Vocabulary(self.card["vocabulary"])
            shapes = {entry.name: entry.shape for entry in self._base.get_inputs()}
            self.channels = int(shapes["x"][2])
            self.layers, self.width = int(shapes["image_k"][1]), int(shapes["image_k"][3])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{folder / CARD}: is not the card of a sound model ({error})") from None

    @property
    def name(self) -> str:
        return str(self.card.get("name", NAME))

    @property
    def licence(self) -> str:
        return str(self.card.get("licence", "unstated"))

    def sha256(self, *others: str) -> str:
        """One hash for all files, and whatever else (a picture part's hash) makes the sound."""
        digest = hashlib.sha256()
        for name in self.files:
            digest.update(hashlib.sha256((self.folder / name).read_bytes()).digest())
        for other in others:
            digest.update(other.encode())
        return digest.hexdigest()

    def read(self, text: str | None) -> CaptionWords:
        """Which words of a text the model knows, and what others stand for where a sentence encoder is installed."""
        return self.vocabulary.read(text, partial(nearest_meanings, self.vocabulary.meanings()))

    def tokens(self, ids: tuple[int, ...] | list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of words (12) -> (tokens (12, D), mask (12,)); without a word the one that means "nothing said"."""
        tokens = self._words.run(["tokens"], {"words": np.array([ids], np.int64)})[0][0]
        return tokens, np.array(caption_mask(list(ids)), np.float32)

    def words(self, ids: tuple[int, ...] | list[int]) -> Condition:
        """A condition of words alone."""
        return words_only(*self.tokens(ids), layers=self.layers)

    def velocity(self, x: np.ndarray, t: np.ndarray, conditions: dict[str, np.ndarray]) -> np.ndarray:
        """See `small_sampler.Velocity`."""
        return self._base.run(["velocity"], {"x": x, "t": t, **conditions})[0]

    @abstractmethod
    def make(
        self, positive: Condition, negative: Condition, rng: np.random.Generator, asked: Asked, *, steps: int, guidance: float,
        on_step: OnStep | None = None,
    ) -> np.ndarray:  # fmt: skip
        """Latents (n, channels) of as much music as is asked for. Raises Stopped: `on_step` said so."""

    @abstractmethod
    def sound(self, latents: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """All of the latents as dry mono sound at 16 kHz, float32 (n,): what measures listen to."""

    @abstractmethod
    def play(self, latents: np.ndarray, rng: np.random.Generator, asked: Asked) -> Played:
        """Latents that `make` made for the same `asked` -> notes, or stereo stems."""


class SmallSound(SmallModel):
    """Latents are a log-mel spectrogram."""

    files = (WORDS, BASE, "sound-latent.npz", "sound-magnitudes.onnx")
    window, fewest, grid = 160, 80, 1  # 10.24 s; half of it is the shortest that it was trained on
    guidance = 3.5

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.latent = MelLatent.load(folder / self.files[2])
        self.vocoder = MagnitudeModel(folder / self.files[3])

    def make(
        self, positive: Condition, negative: Condition, rng: np.random.Generator, asked: Asked, *, steps: int, guidance: float,
        on_step: OnStep | None = None,
    ) -> np.ndarray:  # fmt: skip
        """See `SmallModel.make`: (15.625 a second, 64)."""
        return sample(
            self, positive, negative, rng, n_latents=math.ceil(_seconds(asked) * LATENTS_PER_S), channels=self.channels,
            steps=steps, guidance=guidance, on_step=on_step,
        )  # fmt: skip

    def sound(self, latents: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Latents (n, 64) -> mono samples (n x 1024,) at 16 kHz."""
        return griffin_lim(self.vocoder.magnitudes(self.latent.decode(latents)), rng)

    def play(self, latents: np.ndarray, rng: np.random.Generator, asked: Asked) -> Played:
        """See `SmallModel.play`; one stem, the same on both sides."""
        best = finish(self.sound(latents, rng), RATE, seconds=_seconds(asked))
        return Played(best.seconds, [("music", Audio(np.repeat(best.samples, 2, axis=0), best.rate))])


def _seconds(asked: Asked) -> float:
    if asked.seconds is None:
        raise UsageError(f"--bars is a length of notes, and {NAME} makes none; give --seconds")
    return asked.seconds


@lru_cache(maxsize=4)
def open_small_sound(folder: Path | None = None) -> SmallModel:
    """A folder's model, opened once; without one the first of `PREFERRED`."""
    folder = folder or shipped_folder()
    if is_roll(folder):
        from klangbild.diffusion.roll_model import RollSound

        return RollSound(folder)
    return SmallSound(folder)


def is_roll(folder: Path) -> bool:
    """Whether a folder holds a model whose latents are notes."""
    return (folder / CARD).is_file() and read_card(folder).get("latent") == "roll"


def read_card(folder: Path) -> dict[str, Any]:
    """A model's card. Raises InputError: it is damaged."""
    try:
        return dict(json.loads((folder / CARD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{folder / CARD}: is not the card of a sound model ({error})") from None


def installed_pictures(folder: Path | None = None) -> list[str]:
    """Which engines a small model can play here: "art2mus", "melfusion", each with a picture part of its own."""
    folders = [folder] if folder else [shipped_folder(name) for name in PREFERRED]
    return [name for name in ("art2mus", "melfusion") if any(_plays(here, f"sound-{name}*.npz") for here in folders)]


def default_model(engine: str, image_tokens: int | None = None) -> str:
    """The model that an engine plays where none is named: the first of `PREFERRED` that has the picture part that is asked for."""
    part = f"sound-art2mus-{VARIANT_OF[image_tokens]}.npz" if engine == "art2mus" else f"sound-{engine}*.npz"
    return next((name for name in PREFERRED if _plays(shipped_folder(name), part)), PREFERRED[0])


def _plays(folder: Path, part: str) -> bool:
    return all((folder / name).is_file() for name in SmallModel.files) and any(folder.glob(part))


def shipped_folder(name: str = PREFERRED[0]) -> Path:
    """Where the files of a model that ships are."""
    return weights_folder() / FOLDERS[name]


def weights_folder() -> Path:
    """Where the weights that ship are."""
    return Path(str(resources.files("klangbild") / "weights"))
