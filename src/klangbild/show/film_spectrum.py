"""What runs under a film of music without notes: its spectrogram, in the place of the roll."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image

from klangbild.show.canvas import Canvas, blend
from klangbild.show.film_roll import TILE_WIDTH, WHITE, Look, put_tiles
from klangbild.show.planes import Planes
from klangbild.show.spectrogram import log_spectrogram
from klangbild.sound.audio import Audio, LongAudio

_DEPTH_DB = 80.0
_ROWS = 150
_DEEP, _BRIGHT = "#2b7f93", "#f3ead2"


class RunningSpectrum:
    """The spectrogram of a sound (channels, n), `height` pixels high: low below, a column a frame. It has no families to name."""

    families: tuple[str, ...] = ()

    def __init__(self, audio: Audio | LongAudio, height: int, look: Look) -> None:
        self.height, self.look = height, look
        columns = max(round(audio.seconds * look.fps), 1)
        self._levels = log_spectrogram(audio, columns=columns, rows=_ROWS) / _DEPTH_DB + 1.0
        stops = [blend(look.ground, look.ground, 1.0), blend(_DEEP, look.ground, 0.75), blend(_BRIGHT, _DEEP, 0.9)]
        at = np.linspace(0.0, 1.0, 256)
        self._table = np.stack([np.interp(at, (0.25, 0.7, 1.0), [stop[k] for stop in stops]) for k in range(3)], 1)
        self._tile = lru_cache(maxsize=4)(self._drawn_tile)

    def draw(self, frame: int, into: Planes, cursor: int) -> set[str]:
        """Draw the spectrogram of a frame, with the present moment `cursor` pixels (even) from the left; nobody is named."""
        put_tiles(self._tile, into, frame * self.look.step - cursor)
        into.fill((0, 0, cursor, self.height), self.look.ground, 0.52)
        into.fill((cursor, 0, cursor + 2, self.height), WHITE, 0.85)
        return set()

    def _drawn_tile(self, number: int) -> Planes:
        canvas = Canvas(TILE_WIDTH, self.height, background=self.look.ground)
        first = number * TILE_WIDTH // self.look.step
        last = first + -(-TILE_WIDTH // self.look.step)
        part = self._levels[:, max(first, 0) : max(last, 0)]
        if part.size:
            rgb = self._table[np.clip(part * 255, 0, 255).astype(np.uint8)].round().astype(np.uint8)
            x = (max(first, 0) - first) * self.look.step
            canvas.paste(Image.fromarray(rgb), x, 0, part.shape[1] * self.look.step, self.height)
        return Planes.of(canvas.finish())
