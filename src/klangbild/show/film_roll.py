"""The roll that runs under a film: notes come from the right, are lit while they sound at the cursor, and go dim to the left.

Pitch upwards in one field for all instruments, each in its family's color (whose names stand beside it), drums in rows below. The roll
moves by a whole, even number of pixels a frame, so that nothing flickers, and is drawn in tiles as they are needed: an hour takes no more
memory than a minute.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from klangbild.music.families import FAMILIES, FAMILY_INDEX
from klangbild.music.piece import LOOP_END, LOOP_START, Piece
from klangbild.music.section_marks import shown
from klangbild.show.canvas import Canvas, blend, shortened, text_width
from klangbild.show.drum_rows import draw_hit, drum_rows
from klangbild.show.planes import Planes

TILE_WIDTH = 960
"""Pixels; a multiple of every step that a film runs by."""
_HEAD = 34
"""Pixels above the notes, of a roll for HD: numbers of bars and names of sections."""
_FLAG = 34
"""Pixels between where something changes, with its bar's number, and what is said of it."""
_DRUM_ROW, _LEAST_ROWS = 13, 30
_FLASH_S = 0.18
_LIT_S = 0.12
"""However short a note is, it is lit so long."""
WHITE = "#ffffff"


@dataclass(frozen=True)
class Look:
    """Colors and sizes of one film: ground: of the roll, dark; scale: 1 for HD; step: pixels a frame, even; fps: frames a second."""

    ground: str
    scale: float
    step: int
    fps: int

    @property
    def per_second(self) -> int:
        """Pixels that a second is long."""
        return self.step * self.fps

    def over(self, color: str, share: float) -> str:
        """A share (0..1) of a color over the ground."""
        return "#%02x%02x%02x" % blend(color, self.ground, share)  # noqa: UP031 - the plainest way to write a color


def color_on_dark(family: str) -> str:
    """A family's color, lighter, as it is seen on a dark ground."""
    return "#%02x%02x%02x" % blend(FAMILIES[FAMILY_INDEX[family]].colour, WHITE, 0.72)  # noqa: UP031


@dataclass(frozen=True)
class Bar:
    """One note on the roll. x0, x1: pixels from the beginning of the piece; y0, y1: from the top of the roll. shape: of a drum."""

    start_s: float
    end_s: float
    x0: int
    x1: int
    y0: int
    y1: int
    family: str
    velocity: int
    shape: str = ""


class RunningRoll:
    """The roll of a piece, `height` pixels high (even). Ask for frames in their order."""

    def __init__(self, piece: Piece, height: int, look: Look) -> None:
        self.piece, self.height, self.look = piece, height, look
        self.bars = sorted(_bars(piece, height, look), key=lambda bar: (bar.start_s, bar.y0))
        self._starts = [float(at) for at in np.atleast_1d(piece.beats_to_seconds(piece.bar_starts()))]
        self._flags = _flags(piece, look)
        self._tile = lru_cache(maxsize=4)(self._drawn_tile)
        self._in_tile: dict[int, list[Bar]] = {}
        for bar in self.bars:
            for number in range(bar.x0 // TILE_WIDTH, bar.x1 // TILE_WIDTH + 1):
                self._in_tile.setdefault(number, []).append(bar)
        self._waiting: deque[Bar] = deque(self.bars)
        self._sounding: list[Bar] = []

    @property
    def families(self) -> tuple[str, ...]:
        """Who plays, high ones first, as they lie on the roll."""
        middle = {
            family: float(np.median(notes["pitch"])) if family != "drums" else -1.0
            for family, notes in self.piece.by_family().items()
        }
        return tuple(sorted(middle, key=lambda family: (-middle[family], FAMILY_INDEX[family])))

    def draw(self, frame: int, into: Planes, cursor: int) -> set[str]:
        """Draw the roll of a frame, with the present moment `cursor` pixels (even) from the left; the families that sound."""
        left = frame * self.look.step - cursor
        put_tiles(self._tile, into, left)
        # a note is lit in the frame that is shown nearest to its beginning
        now = (frame + 0.5) / self.look.fps
        while self._waiting and self._waiting[0].start_s < now:
            self._sounding.append(self._waiting.popleft())
        self._sounding = [bar for bar in self._sounding if bar.end_s >= now]
        # what was played is dim
        into.part((0, _even(_HEAD * self.look.scale), cursor, self.height)).fill(
            (0, 0, cursor, self.height), self.look.ground, 0.52
        )
        for bar in self._sounding:
            self._light(bar, into, left, now)
        into.fill((cursor, _HEAD * self.look.scale - 6 * self.look.scale, cursor + 2, self.height), WHITE, 0.85)
        into.fill((cursor - 2, _HEAD * self.look.scale, cursor + 4, self.height), WHITE, 0.10)
        return {bar.family for bar in self._sounding}

    def _light(self, bar: Bar, into: Planes, left: int, now: float) -> None:
        flash = float(np.exp(-(now - bar.start_s) / _FLASH_S))
        color = "#%02x%02x%02x" % blend(WHITE, color_on_dark(bar.family), 0.22 + 0.6 * flash)  # noqa: UP031
        x0, x1 = bar.x0 - left, bar.x1 - left
        glow = round((2 + 4 * flash) * self.look.scale)
        into.fill((x0 - glow, bar.y0 - glow, x1 + glow, bar.y1 + glow), color_on_dark(bar.family), 0.10 + 0.25 * flash)
        into.fill((x0, bar.y0, x1, bar.y1), color)

    def _drawn_tile(self, number: int) -> Planes:
        left = number * TILE_WIDTH
        look, head = self.look, _HEAD * self.look.scale
        canvas = Canvas(TILE_WIDTH, self.height, background=look.ground)
        for index, at in enumerate(self._starts):
            x = at * look.per_second - left
            if -120 < x < TILE_WIDTH + 8:
                canvas.line([(x, head), (x, self.height)], fill=look.over(WHITE, 0.13 if index % 4 == 0 else 0.07))
                if not any(begin < x + left < end for begin, end, _ in self._flags):
                    size = max(13 * look.scale, 7)
                    at_foot = head - 10 * look.scale
                    canvas.text(x + 5 * look.scale, at_foot, str(index + 1), size=size, fill=look.over(WHITE, 0.42))
        for begin, until, text in self._flags:
            x = begin - left
            if until >= left and x < TILE_WIDTH:
                canvas.line([(x, head * 0.1), (x, self.height)], fill=look.over(WHITE, 0.34), line=1.5)
                place, size = (x + _FLAG * look.scale, head - 10 * look.scale), max(15 * look.scale, 8)
                canvas.text(*place, text, size=size, fill=look.over(WHITE, 0.78))
        end = self.piece.seconds * look.per_second - left
        if end < TILE_WIDTH:
            canvas.line([(end, head), (end, self.height)], fill=look.over(WHITE, 0.3), line=2)
        for bar in self._in_tile.get(number, ()):
            color = look.over(color_on_dark(bar.family), 0.45 + 0.5 * min(bar.velocity / 110, 1))
            if bar.shape:
                r = (bar.y1 - bar.y0) / 2
                draw_hit(canvas, bar.shape, bar.x0 - left + r, bar.y0 + r, r, color)
            else:
                canvas.rectangle(
                    bar.x0 - left, bar.y0, bar.x1 - left, bar.y1, fill=color, radius=min((bar.y1 - bar.y0) * 0.3, 4)
                )
        return Planes.of(canvas.finish())


def put_tiles(tile: Callable[[int], Planes], into: Planes, left: int) -> None:
    """Lay tiles so that the pixel `left` of the roll stands at the left edge; before the first there is what the tiles below 0 hold."""
    at = left
    while at < left + into.width:
        number, inside = divmod(at, TILE_WIDTH)
        wide = min(TILE_WIDTH - inside, left + into.width - at)
        into.put(tile(number).part((inside, 0, inside + wide, into.height)), at - left, 0)
        at += wide


def _bars(piece: Piece, height: int, look: Look) -> Iterator[Bar]:
    by_family = piece.by_family()
    rows = drum_rows(by_family["drums"]) if "drums" in by_family else []
    drum_high = round(_DRUM_ROW * look.scale * len(rows))
    top, bottom = _HEAD * look.scale, height - 10 * look.scale - drum_high
    pitched = {family: notes for family, notes in by_family.items() if family != "drums"}
    lows = [int(notes["pitch"].min()) for notes in pitched.values()]
    highs = [int(notes["pitch"].max()) for notes in pitched.values()]
    lowest, highest = min(lows, default=60), max(highs, default=72)
    more = max(_LEAST_ROWS - (highest - lowest + 1), 2)
    lowest, highest = lowest - more // 2, highest + (more + 1) // 2
    per_pitch = (bottom - top) / (highest - lowest + 1)
    thick = max(per_pitch * 0.84, 3.0 * look.scale, 2.0)
    for family, notes in pitched.items():
        for start, end, note in _timed(piece, notes):
            y = bottom - (int(note["pitch"]) - lowest + 0.5) * per_pitch
            x0, x1 = round(start * look.per_second), round(end * look.per_second)
            yield Bar(start, max(end, start + _LIT_S), x0, max(x1 - 1, x0 + 2), round(y - thick / 2), max(round(y + thick / 2), round(y - thick / 2) + 2), family, int(note["velocity"]))  # fmt: skip
    row_of = {key: index for index, row in enumerate(rows) for key in row.keys}
    for start, _, note in _timed(piece, by_family.get("drums", np.empty(0))):
        row = row_of[int(note["pitch"])]
        r = (2.6 + 2.8 * int(note["velocity"]) / 127) * look.scale
        y = bottom + 4 * look.scale + (row + 0.5) * _DRUM_ROW * look.scale
        x = round(start * look.per_second)
        yield Bar(start, start + _LIT_S, x, x + round(2 * r), round(y - r), round(y + r), "drums", int(note["velocity"]), rows[row].shape)  # fmt: skip


def _timed(piece: Piece, notes: np.ndarray) -> Iterator[tuple[float, float, np.void]]:
    if len(notes):
        starts = piece.beats_to_seconds(notes["onset"])
        ends = piece.beats_to_seconds(notes["onset"] + notes["duration"])
        yield from zip(starts.tolist(), ends.tolist(), notes, strict=True)


def _flags(piece: Piece, look: Look) -> list[tuple[float, float, str]]:
    """(where it stands, where its text ends, text) of what changes on the way: moods, hits and sections, those of one moment together.
    Places in pixels from the beginning of the piece; a text is as long as there is room before the next one."""
    by_beat: dict[float, list[str]] = {}
    for beat, text in piece.markers:
        if text.strip() and text not in (LOOP_START, LOOP_END):
            by_beat.setdefault(beat, []).append(shown(text))
    places = [float(piece.beats_to_seconds(beat)) * look.per_second for beat in sorted(by_beat)]
    size, flags = max(15 * look.scale, 8), []
    for place, after, beat in zip(places, [*places[1:], float("inf")], sorted(by_beat), strict=False):
        room = min(after - place - (_FLAG + 12) * look.scale, 420 * look.scale)
        text = shortened(", ".join(by_beat[beat]), size, room) if room > 3 * size else ""
        flags.append((place, place + (_FLAG + 8) * look.scale + text_width(text, size), text))
    return flags


def _even(size: float) -> int:
    return max(round(size / 2) * 2, 0)
