"""Our small sound model at run time: onnxruntime and numpy, no torch.

    sound-words.onnx    words (n, 12) -> tokens (n, 12, D)
    sound-base.onnx     latents, time, what is listened to -> velocity
    sound-latent.npz    latents <-> log-mel
    sound-magnitudes.onnx and Griffin-Lim    log-mel -> sound

One thread: the same bytes on every machine. The folder is the package's own, or any other with files of these names.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np

from klangbild.diffusion.small_condition import Condition, words_only
from klangbild.diffusion.small_latent import MelLatent
from klangbild.diffusion.small_vocoder import MagnitudeModel, griffin_lim, open_session
from klangbild.diffusion.small_words import CaptionWords, Vocabulary, caption_mask
from klangbild.errors import InputError, NotAvailableError

NAME = "klangbild-small"
FILES = ("sound-words.onnx", "sound-base.onnx", "sound-latent.npz", "sound-magnitudes.onnx")


class SmallSound:
    """The four files of a folder. `layers`, `width`, `channels`: the network's; `card`: of the base.

    Raises:
        NotAvailableError: a file is not there. InputError: one is damaged, or they do not belong together.
    """

    def __init__(self, folder: Path) -> None:
        for name in (*FILES, "sound-base.json"):
            if not (folder / name).is_file():
                raise NotAvailableError(
                    f"{folder / name}: the small sound model is not in this installation; use --engine notes, or make it "
                    "with 'klangbild train sound'"
                )
        self.folder = folder
        self._words, self._base = (open_session(folder / name) for name in FILES[:2])
        self.latent = MelLatent.load(folder / FILES[2])
        self.vocoder = MagnitudeModel(folder / FILES[3])
        try:
            self.card = json.loads((folder / "sound-base.json").read_text(encoding="utf-8"))
            self.vocabulary = Vocabulary(self.card["vocabulary"])
            shape = next(entry.shape for entry in self._base.get_inputs() if entry.name == "image_k")
        except (ValueError, KeyError, StopIteration) as error:
            raise InputError(f"{folder / 'sound-base.json'}: is not the card of a sound model ({error})") from None
        self.layers, self.width, self.channels = int(shape[1]), int(shape[3]), len(self.latent.spread)

    @property
    def licence(self) -> str:
        return str(self.card.get("licence", "unstated"))

    def sha256(self, *others: str) -> str:
        """One hash for all files, and whatever else (a picture part's hash) makes the sound."""
        digest = hashlib.sha256()
        for name in FILES:
            digest.update(hashlib.sha256((self.folder / name).read_bytes()).digest())
        for other in others:
            digest.update(other.encode())
        return digest.hexdigest()

    def read(self, text: str | None) -> CaptionWords:
        """Which words of a text the model knows."""
        return self.vocabulary.read(text)

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

    def sound(self, latents: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Latents (n, 64) -> mono samples (n x 1024,) at 16 kHz."""
        return griffin_lim(self.vocoder.magnitudes(self.latent.decode(latents)), rng)


@lru_cache(maxsize=2)
def open_small_sound(folder: Path | None = None) -> SmallSound:
    """A folder's model, opened once; without one the model that ships."""
    return SmallSound(folder or weights_folder())


def installed_pictures(folder: Path | None = None) -> list[str]:
    """Which engines the small model can play here: "art2mus", "melfusion", each with a picture part of its own."""
    folder = folder or weights_folder()
    if not all((folder / name).is_file() for name in FILES):
        return []
    return [name for name in ("art2mus", "melfusion") if any(folder.glob(f"sound-{name}*.npz"))]


def weights_folder() -> Path:
    """Where the weights that ship are."""
    return Path(str(resources.files("klangbild") / "weights"))
