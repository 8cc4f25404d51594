"""Picture -> what raters would say of it: features (and an encoder's embedding) read by the two heads.

Models by name: "features" (interpretable features alone), "klangbild" (our encoder and the features; the default, falling
back to "features" where its files are not installed), an added model with an image encoder ("aria": CLIP with ARIA's heads), or
a folder: of such a model, or with `emotion.npz` and, if it needs them, `encoder.onnx` and `second-encoder.onnx`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np

from klangbild import hub
from klangbild.emotion.heads import KINDS, EmotionHeads, load_heads
from klangbild.emotion.kind import KindGate
from klangbild.emotion.music_plane import MusicPlane
from klangbild.emotion.prediction import Prediction, Predictor
from klangbild.emotion.reasons import read_toward, reasons_for
from klangbild.emotion.space import Emotion
from klangbild.errors import NotAvailableError, UsageError
from klangbild.models.registry import PICTURE_READERS, named
from klangbild.picture.content import sure_words
from klangbild.picture.encoder import PictureEncoder, open_encoder, shipped_encoder, small_encoder
from klangbild.picture.features import FEATURE_NAMES, PictureFeatures, picture_features
from klangbild.picture.picture import Picture
from klangbild.shipped import weights_folder

WEIGHTS = weights_folder()
MODEL_NAMES = ("klangbild", "features")
ENCODER_NAMES = ("encoder.onnx", "second-encoder.onnx")
"""In the folder of heads of one's own."""


@dataclass(frozen=True)
class Reader:
    """What turns a picture into head inputs: the features, then the embeddings of the encoders there are.

    encoders: the first one's words are said.
    """

    encoders: tuple[PictureEncoder, ...] = ()

    @property
    def sees_surface(self) -> bool:
        """Whether any encoder tells how a picture is made."""
        return any(encoder.sees_surface for encoder in self.encoders)


@dataclass(frozen=True)
class PictureInputs:
    """What a reader sees of n pictures.

    inputs: float32 (n, d), the features and then each encoder's embedding; the heads read them. surface: float32 (n, t), which the
    gate reads: the encoders', or the features where there is none. features: the same by name. words (n, w): log odds of the first
    encoder's words for content, (n, 0) where it has none.
    """

    inputs: np.ndarray
    surface: np.ndarray
    features: list[PictureFeatures]
    words: np.ndarray

    def surface_for(self, gate: KindGate) -> np.ndarray:
        """The surface, or the features (n, t) for a gate that reads those (of heads on an encoder that is not ours)."""
        fits = self.surface.shape[1] == len(gate.coef)
        return self.surface if fits else self.inputs[:, : len(FEATURE_NAMES)]


def look_at(reader: Reader, pictures: Iterable[Picture]) -> PictureInputs:
    """Look at pictures, 32 together; at least one."""
    rows, surfaces, words, measured, remaining = [], [], [], [], iter(pictures)
    while batch := list(islice(remaining, 32)):
        features = [picture_features(picture) for picture in batch]
        vectors = np.array([f.vector for f in features])
        looks = [encoder.look(batch) for encoder in reader.encoders]
        rows.append(np.concatenate([vectors, *(look.embedding for look in looks)], axis=1))
        surfaces.append(np.concatenate([look.surface for look in looks], axis=1) if reader.sees_surface else vectors)
        words.append(looks[0].words if looks else np.zeros((len(batch), 0), np.float32))
        measured += features
    return PictureInputs(np.concatenate(rows), np.concatenate(surfaces), measured, np.concatenate(words))


def open_reader(model: str) -> Reader:
    """The reader of a model name or folder."""
    if model == "features":
        return Reader()
    return Reader(tuple(open_encoder(path) for path in encoder_files(model)))


def encoder_files(model: str) -> tuple[Path, ...]:
    """The encoders of a model name or folder: of a folder those that it has."""
    if model == "klangbild":
        return shipped_encoder(), small_encoder()
    return tuple(path for name in ENCODER_NAMES if (path := Path(model) / name).is_file())


@dataclass(frozen=True)
class HeadsPredictor:
    """Our models: a reader and a head file."""

    name: str
    reader: Reader
    heads: EmotionHeads

    @property
    def plane(self) -> MusicPlane:
        return MusicPlane(self.heads.knots)

    def predict(self, pictures: Sequence[Picture], *, kind: str = "auto") -> list[Prediction]:
        """Predictions in order; `kind` "photo" or "painting" overrules the gate."""
        if kind not in ("auto", *KINDS):
            raise UsageError(f"--kind {kind} is not known; give auto, painting or photo")
        if not pictures:
            return []
        looks = look_at(self.reader, pictures)
        reading = self.heads.read(looks.inputs, looks.surface_for(self.heads.gate), kind=kind)
        out = []
        for index, features in enumerate(looks.features):
            value, spread = reading.value[index], reading.spread[index]
            emotion = Emotion(*(round(float(x), 4) for x in (*value, *spread)))
            painting = float(reading.painting[index])
            asked = self.plane.asked(emotion)
            why = reasons_for(self.heads, features, painting=painting, toward=read_toward(emotion, asked))
            seen = sure_words(self.reader.encoders[0], looks.words[index]) if looks.words.shape[1] else ()
            out.append(Prediction(emotion, painting, why, float(reading.distance[index]), seen))
        return out


@lru_cache(maxsize=4)
def open_predictor(model: str = "klangbild") -> Predictor:
    """A model by name or folder, opened once.

    Raises:
        NotAvailableError: it is not on this machine. UsageError: no such name.
    """
    if model == "klangbild":
        # until the encoder's files are installed the features alone answer
        model = "klangbild" if (WEIGHTS / "emotion-klangbild.npz").is_file() else "features"
    if model in ("features", "klangbild"):
        return HeadsPredictor(model, open_reader(model), load_heads(WEIGHTS / f"emotion-{model}.npz"))
    if model == "aria" or hub.is_added(model) or (Path(model) / hub.CONFIG).is_file():
        folder = hub.from_pretrained(model)  # what is not here, or damaged, is told before torch is asked for
        if folder.kind not in PICTURE_READERS:
            raise UsageError(
                f"{model}: is a model of kind {folder.kind}, not {' or '.join(PICTURE_READERS)}; see 'klangbild models list'"
            )
        try:
            open_added = named(PICTURE_READERS[folder.kind])
        except ModuleNotFoundError as error:
            raise NotAvailableError(
                f"--emotion-model {model}: needs {error.name}, which is not installed; "
                'run: pip install "klangbild[diffusion]"'
            ) from None
        return open_added(model)
    if Path(model).is_dir():
        return HeadsPredictor(model, open_reader(model), load_heads(Path(model) / "emotion.npz"))
    names = [*MODEL_NAMES, *(folder.name for folder in hub.added() if folder.config.get("image_encoder"))]
    near = difflib.get_close_matches(model, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"give {', '.join(names)} or a folder"
    raise UsageError(f"--emotion-model {model} is not known; {hint}")
