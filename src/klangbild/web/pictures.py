"""What is seen in a visitor's picture, and in words: the reading as the page's pad shows it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from klangbild.emotion.read import Reading, read_emotion
from klangbild.emotion.space import Emotion
from klangbild.errors import InputError
from klangbild.picture.color import Swatch
from klangbild.picture.content import listed
from klangbild.picture.features import picture_features
from klangbild.picture.load import load_picture
from klangbild.picture.picture import Picture
from klangbild.web.marked_words import feelings_for
from klangbild.web.temporary_folders import TemporaryFolders, keep_upload

THUMBNAIL_SIDE = 480


@dataclass
class KeptPicture:
    """A picture that was given: its file, its palette, its size (width, height)."""

    id: str
    folder: Path
    file: Path
    palette: tuple[Swatch, ...]
    size: tuple[int, int]


class KeptPictures:
    """The pictures given in the last hour. One is decoded at a time: a large one takes up to 345 MB while it is."""

    def __init__(self, folders: TemporaryFolders) -> None:
        self.folders = folders
        self._pictures: dict[str, KeptPicture] = {}
        self._decoding = threading.Lock()

    def take(self, name: str, content: bytes | IO[bytes]) -> KeptPicture:
        """Keep and look at an uploaded picture. Raises InputError: it is none, or too large."""
        key, folder = self.folders.new()
        try:
            # in a folder of its own: whatever its name is, it is not one of ours
            (folder / "picture").mkdir()
            file = keep_upload(folder / "picture", name, content)
            with self._decoding:
                picture = load_picture(file)
                features = picture_features(picture)
                _write_thumbnail(picture, folder / "thumbnail.jpg")
        except BaseException:
            self.folders.drop(key)
            raise
        kept = KeptPicture(key, folder, file, features.palette, (picture.width, picture.height))
        self._pictures[key] = kept
        self.forget(self.folders.grown(file.stat().st_size))
        return kept

    def knows(self, key: str) -> bool:
        """Whether there is such a picture (still)."""
        return key in self._pictures and self.folders.folder(key) is not None

    def get(self, key: str) -> KeptPicture:
        """Raises InputError: there is no such picture (any more)."""
        if not self.knows(key):
            raise InputError("this picture is no longer kept (pictures are removed after an hour); give it again")
        return self._pictures[key]

    def forget(self, keys: list[str]) -> None:
        """Drop the pictures whose folders are gone."""
        for key in keys:
            self._pictures.pop(key, None)

    def read(
        self,
        kept: KeptPicture | None,
        *,
        text: str | None,
        model: str = "klangbild",
        kind: str = "auto",
        engine: str = "notes",
        player: str | None = None,
    ) -> dict[str, Any]:
        """The reading of a picture, words or both, as plain JSON values (see `emotion_json`). engine, player: who hears the words, and its model."""
        # the file itself, as composing reads it: the same numbers to the last digit
        with self._decoding:
            picture = load_picture(kept.file) if kept else None
            reading = read_emotion(
                picture, text=feelings_for(text, engine=engine, model=player), model=model, kind=kind
            )
        return emotion_json(reading, kept, told=kind != "auto")


def emotion_json(reading: Reading, kept: KeptPicture | None = None, *, told: bool = False) -> dict[str, Any]:
    """{"emotion", "asked", "reasons", "kind", "source", "words", "unknown", "palette", "picture", "alt"}.

    `emotion` is on the raters' scale, `asked` on the music's plane (what --valence and --arousal set, what the pad shows).
    told: the kind is the visitor's word, not our guess."""
    found: dict[str, Any] = {
        "emotion": _point(reading.emotion),
        "asked": _point(reading.asked),
        "reasons": list(reading.reasons),
        "kind": reading.kind,
        "source": reading.source,
        "unknown": list(reading.unknown),
        "words": words_of(reading, told=told),
    }
    if kept is not None:
        palette = [{"hex": s.hex, "name": s.name, "share": s.share} for s in kept.palette]
        found |= {
            "picture": {"id": kept.id, "name": kept.file.name, "width": kept.size[0], "height": kept.size[1]},
            "palette": palette,
            "alt": alt_text(kept.palette, reading, told=told),
        }
    return found


def words_of(reading: Reading, *, told: bool = False) -> str:
    """One sentence for people who do not see the pad. told: the kind is known, not guessed."""
    e = reading.emotion
    named = {"painting": "The painting feels", "photo": "The photograph feels"} if told else {}
    what = "The words ask for" if reading.kind == "words" else named.get(reading.kind, "The picture feels")
    return f"{what} {e.name}: {_axis('valence', e.valence)}, {_axis('arousal', e.arousal)}."


SURE_OF_KIND = 0.95
"""From which share on a description says a kind that nobody told: of held-out photographs and paintings under 1 % are called the other."""


def alt_text(palette: tuple[Swatch, ...], reading: Reading | None = None, *, told: bool = False) -> str:
    """A first try at words for a picture that nobody described: its kind and what it shows, where they are sure, and its colors.

    told: the reading's kind is the visitor's word.
    """
    names = list(dict.fromkeys(swatch.name for swatch in palette))[:3]
    kind, shown = "picture", ""
    if reading is not None:
        sure = told or (reading.kind_facts or {"sure": 0.0})["sure"] >= SURE_OF_KIND
        kind = {"photo": "photograph", "painting": "painting"}.get(reading.kind, kind) if sure else kind
        shown = f" of {listed([word for word, _ in reading.seen])}" if reading.seen else ""
    return f"A {kind}{shown}, mainly {listed(names)}"


def _point(e: Emotion) -> dict[str, Any]:
    return {
        "valence": round(e.valence, 4), "arousal": round(e.arousal, 4), "valence_spread": round(e.valence_spread, 4),
        "arousal_spread": round(e.arousal_spread, 4), "name": e.name,
    }  # fmt: skip


def _axis(name: str, value: float) -> str:
    low, high = {"valence": ("unpleasant", "pleasant"), "arousal": ("calm", "excited")}[name]
    strength = abs(value)
    word = f"neither {low} nor {high}" if strength < 0.08 else (high if value > 0 else low)
    return f"{name} {value:+.2f} ({'rather ' if 0.08 <= strength < 0.35 else ''}{word})"


def _write_thumbnail(picture: Picture, path: Path) -> None:
    from PIL import Image

    image = Image.fromarray(picture.rgb)
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    image.save(path, "JPEG", quality=82)
