"""A film of a piece, frame by frame: the picture with a slow move over it, the roll running underneath, a few words.

Above, the picture (or, of music from words, a ground in the colors of its emotion); below, on a dark ground in the picture's own hue, who
plays and the roll, or of music without notes its spectrogram. Sizes are told for HD and scaled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from klangbild.emotion.space import Emotion
from klangbild.music.piece import Piece
from klangbild.picture.picture import Picture
from klangbild.show.canvas import blend, font, shortened
from klangbild.show.film_roll import WHITE, Look, RunningRoll, color_on_dark
from klangbild.show.film_spectrum import RunningSpectrum
from klangbild.show.film_view import FollowedGaze, Gaze, SlowMove, View, stage_size
from klangbild.show.plane import tint_of
from klangbild.show.planes import Planes
from klangbild.sound.audio import Audio, LongAudio

FPS = 30
WIDE, UPRIGHT = (1920, 1080), (1080, 1920)
SHAPES = {"wide": WIDE, "upright": UPRIGHT}
_HD_SHORT = 1080
_TITLE_S, _FADE_S = 6.0, 0.9
_END_FADE_S = 1.2
_MOVED = 0.8
"""The picture is drawn anew once it has moved by so many pixels: less is not seen, and would double the work."""


@dataclass(frozen=True)
class Words:
    """What is written: title, a line below it, the emotion that is asked for at the beginning, and who made it."""

    title: str
    about: str = ""
    mood: str = ""
    maker: str = ""


class Ground(Protocol):
    """What runs under the picture."""

    families: tuple[str, ...]

    def draw(self, frame: int, into: Planes, cursor: int) -> set[str]: ...


def shape_for(wish: str, picture: Picture | None) -> tuple[int, int]:
    """Width and height of a film. wish: "wide", "upright", or "auto": upright for a picture that is."""
    if wish == "auto":
        wish = "upright" if picture is not None and picture.height > 1.1 * picture.width else "wide"
    return SHAPES[wish]


class Film:
    """All frames of a piece. size: (width, height), even; see `shape_for`. audio: the finished sound, float32 (channels, n); it says how
    long the film is. gaze: where the music looks when. emotion: for the ground where there is no picture."""

    def __init__(
        self,
        audio: Audio | LongAudio,
        words: Words,
        *,
        piece: Piece | None,
        picture: Picture | None,
        size: tuple[int, int] = WIDE,
        gaze: Gaze = (),
        emotion: Emotion | None = None,
    ) -> None:
        self.size, self.words, self.piece = size, words, piece
        self.seconds = audio.seconds
        self.n_frames = max(round(self.seconds * FPS), 1)
        width, height = size
        self._scale = min(size) / _HD_SHORT
        seen = Image.fromarray(picture.rgb) if picture is not None else _ground_of(emotion)
        dark = _dark_hue(seen)
        step = max(round(4 * self._scale / 2) * 2, 2)
        self._look = Look(dark, self._scale, step, FPS)
        self._picture_high = _even(height * (0.66 if width > height else 0.64))
        self._line = _even(4 * self._scale)
        self._side = _even((172 if width > height else 150) * self._scale)
        roll_high = height - self._picture_high - self._line
        self._ground: Ground = (
            RunningSpectrum(audio, roll_high, self._look)
            if piece is None
            else RunningRoll(piece, roll_high, self._look)
        )
        self._stage = _Stage(seen, (width, self._picture_high), gaze if picture is not None else (), self.seconds)
        self._moods = [] if piece is None else [(float(piece.beats_to_seconds(at)), name) for at, name in piece.moods]
        self._frame = Planes.filled(width, height, dark)
        self._canvas = Planes.filled(width, self._picture_high, dark)
        self._shown: tuple[object, ...] = ()
        self._text = lru_cache(maxsize=64)(self._drawn_text)

    def frames(self) -> Iterator[Planes]:
        """Each frame in turn; the same planes, drawn on anew."""
        width, height = self.size
        top = self._picture_high + self._line
        ground = self._frame.part((self._side, top, width, height))
        cursor = _even((width - self._side) * 0.24)
        for number in range(self.n_frames):
            at = number / FPS
            self._draw_picture(at)
            sounding = self._ground.draw(number, ground, cursor)
            self._draw_side(sounding)
            self._draw_line((number + 1) / self.n_frames)
            yield self._frame

    def _draw_picture(self, at: float) -> None:
        """The picture and what is written on it, where either is not as it was."""
        fade = min((self.seconds - at) / _END_FADE_S, 1.0)
        title = _in_and_out(at, 0.5, _TITLE_S)
        shown = (self._stage.place(at), round(fade, 2), round(title, 2), self._mood(at), _clock(at))
        if self._shown and shown[0] is self._shown[0] and shown[1:] == self._shown[1:]:
            return
        self._shown = shown
        canvas, s = self._canvas, self._scale
        self._stage.draw(at, canvas)
        margin, foot = round(44 * s), self._picture_high
        strength = 0.75 + 0.25 * title
        canvas.shade(
            (_shadow(canvas.width, _even(260 * s)) * strength).astype(np.uint8), "#000000", 0, foot - _even(260 * s)
        )
        y = foot - 30 * s
        if mood := self._mood(at):
            self._write(canvas, mood, margin, y, 24 * s, 0.92)
        self._write(canvas, _clock(at), canvas.width - margin, y, 22 * s, 0.8, right=True)
        if title > 0:
            self._write(canvas, self.words.title, margin, y - 84 * s, 54 * s, title, bold=True)
            self._write(canvas, self.words.about, margin, y - 42 * s, 23 * s, 0.9 * title, room=0.64)
            self._write(canvas, self.words.maker, canvas.width - margin, y - 42 * s, 19 * s, 0.75 * title, right=True)
        if fade < 1.0:
            canvas.fill((0, 0, canvas.width, canvas.height), self._look.ground, 1.0 - max(fade, 0.0))
        self._frame.put(canvas, 0, 0)

    def _mood(self, at: float) -> str:
        """The emotion asked for at this moment."""
        return next((name for seconds, name in reversed(self._moods) if seconds <= at), self.words.mood)

    def _draw_side(self, sounding: set[str]) -> None:
        """Who plays, lit while it sounds."""
        key = tuple(family in sounding for family in self._ground.families)
        if getattr(self, "_side_shown", None) == key:
            return
        self._side_shown = key
        width, s = self._side, self._scale
        top, high = self._picture_high + self._line, self.size[1] - self._picture_high - self._line
        side = self._frame.part((0, top, width, self.size[1]))
        side.fill((0, 0, width, high), self._look.over("#000000", 0.28))
        row = min(31 * s, (high - 44 * s) / max(len(key), 1))
        for index, family in enumerate(self._ground.families):
            y, lit = 42 * s + index * row, key[index]
            color = color_on_dark(family)
            side.fill((18 * s, y - 2 * s, 26 * s, y + row * 0.5), color, 1.0 if lit else 0.5)
            self._write(side, family, 36 * s, y + row * 0.42, min(19 * s, row * 0.72), 0.96 if lit else 0.5)

    def _draw_line(self, done: float) -> None:
        top, width = self._picture_high, self.size[0]
        band = self._frame.part((0, top, width, top + self._line))
        band.fill((0, 0, width, self._line), self._look.over(WHITE, 0.16))
        band.fill((0, 0, width * done, self._line), self._look.over(WHITE, 0.75))

    def _write(
        self, on: Planes, text: str, x: float, y: float, size: float, share: float, *, right: bool = False,
        bold: bool = False, room: float = 1.0,
    ) -> None:  # fmt: skip
        """White text with its baseline at y; right: it ends at x. room: what share of the width it may take."""
        if not text or share <= 0.01:
            return
        free = (round(x) if right else on.width - round(x)) * (0.5 if right else room)
        mask = self._text(text, max(round(size), 7), round(free), bold)
        left, top = _even(x - (mask.shape[1] if right else 0)), _even(y - size * 1.1)
        mask = mask[: (on.height - top) // 2 * 2, : (on.width - left) // 2 * 2]
        if top >= 0 and left >= 0 and mask.size:
            on.shade(mask if share >= 1.0 else (mask * share).astype(np.uint8), WHITE, left, top)

    def _drawn_text(self, text: str, size: int, room: int, bold: bool) -> np.ndarray:
        """A line of text as a mask, uint8 (height, width), both even; its baseline 1.1 sizes from the top."""
        text = shortened(text, size, room)
        letters = font(size)
        wide, high = _even(letters.getlength(text) + size * 0.2) + 2, _even(size * 1.5) + 2
        mask = Image.new("L", (wide, high))
        stroke = max(size // 42, 1) if bold else 0
        ImageDraw.Draw(mask).text(
            (0, round(size * 1.1)), text, font=letters, fill=255, anchor="ls", stroke_width=stroke
        )
        return np.asarray(mask)


class _Stage:
    """The picture in its frame, as it is seen at any time."""

    def __init__(self, image: Image.Image, frame: tuple[int, int], gaze: Gaze, seconds: float) -> None:
        self.size = stage_size(image.size, frame)
        self._at = tuple(_even((whole - part) / 2) for whole, part in zip(frame, self.size, strict=True))
        shape = (self.size[0] / self.size[1]) / (image.width / image.height)
        self._view = FollowedGaze(shape, gaze) if gaze else SlowMove(shape, seconds)
        # as large as the nearest view needs: every frame is cut from it
        nearest = self._view(0.0)
        wide = min(self.size[0] / (nearest.right - nearest.left), image.width * 2.0, 6000.0)
        source = image.resize(
            (max(_even(wide), 2), max(_even(wide * image.height / image.width), 2)), Image.Resampling.LANCZOS
        )
        self._planes = [Image.fromarray(plane) for plane in Planes.of(source).all]
        self._corners: np.ndarray | None = None
        self._around = None if self.size == frame else Planes.of(_blurred(image, frame))

    def place(self, at: float) -> np.ndarray:
        """Where the corners of the picture stand, in pixels: those that were last given, until one has moved by `_MOVED`."""
        view = self._view(at)
        across, down = self.size[0] / (view.right - view.left), self.size[1] / (view.bottom - view.top)
        corners = np.array([view.left * across, view.top * down, (1 - view.right) * across, (1 - view.bottom) * down])
        if self._corners is None or np.abs(corners - self._corners).max() >= _MOVED:
            self._corners = corners
        return self._corners

    def draw(self, at: float, into: Planes) -> None:
        if self._around is not None:
            into.put(self._around)
        view = self._view(at)
        (x, y), (wide, high) = self._at, self.size
        target = into.part((x, y, x + wide, y + high))
        for plane, part in zip(self._planes, target.all, strict=True):
            part[:] = np.asarray(_cut(plane, view, (part.shape[1], part.shape[0])))


def _cut(plane: Image.Image, view: View, size: tuple[int, int]) -> Image.Image:
    box = (view.left * plane.width, view.top * plane.height, view.right * plane.width, view.bottom * plane.height)
    return plane.resize(size, Image.Resampling.BILINEAR, box=box)


def _blurred(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture out of focus and darker, filling a frame that it does not fit."""
    wide = max(size[0] / image.width, size[1] / image.height)
    small = image.resize(
        (max(round(image.width * wide / 16), 2), max(round(image.height * wide / 16), 2)), Image.Resampling.BOX
    )
    left, top = max(small.width - size[0] // 16, 0) // 2, max(small.height - size[1] // 16, 0) // 2
    cut = small.crop((left, top, left + max(size[0] // 16, 1), top + max(size[1] // 16, 1))).filter(
        ImageFilter.GaussianBlur(3)
    )
    return cut.resize(size, Image.Resampling.BICUBIC).point(lambda value: value * 0.5)


def _ground_of(emotion: Emotion | None) -> Image.Image:
    """A soft ground in the colors of an emotion, for music that has no picture."""
    color = tint_of(emotion or Emotion(0.0, 0.0))
    y, x = np.mgrid[0:1:100j, 0:1:160j]
    light = np.exp(-((x - 0.32) ** 2 + (y - 0.38) ** 2) / 0.16) + 0.6 * np.exp(
        -((x - 0.8) ** 2 + (y - 0.75) ** 2) / 0.06
    )
    shares = np.clip(0.25 + 0.6 * light / light.max(), 0, 1)[..., None]
    rgb = shares * np.array(blend(color, WHITE, 0.8)) + (1 - shares) * np.array(blend(color, "#0c0e12", 0.35))
    return Image.fromarray(rgb.round().astype(np.uint8)).resize((1600, 1000), Image.Resampling.BICUBIC)


def _dark_hue(image: Image.Image) -> str:
    """Nearly black, in the hue of the picture."""
    mean = np.asarray(image.resize((1, 1), Image.Resampling.BOX).convert("RGB"), float)[0, 0]
    gray = mean.mean() or 1.0
    tinted = 24.0 * (0.55 + 0.45 * mean / gray)
    return "#" + "".join(f"{int(min(max(value, 8), 40)):02x}" for value in tinted)


@lru_cache(maxsize=2)
def _shadow(width: int, height: int) -> np.ndarray:
    """Darker towards the foot, so that white words are read on any picture: uint8 (height, width)."""
    ramp = np.linspace(0.0, 1.0, height) ** 1.4 * 185
    return np.repeat(ramp.astype(np.uint8)[:, None], width, axis=1)


def _in_and_out(at: float, begin: float, end: float) -> float:
    return float(np.clip(min((at - begin) / _FADE_S, (end - at) / _FADE_S), 0.0, 1.0))


def _clock(at: float) -> str:
    return f"{int(at) // 60}:{int(at) % 60:02d}"


def _even(size: float) -> int:
    return int(size) // 2 * 2
