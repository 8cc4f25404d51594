"""The piano roll: a piece as a sheet worth printing.

Above, the picture, the words and the emotion plane; below, one lane for each instrument family with its name at the
side (so that colour is never the only sign), pitch upwards, time to the right, bars above and seconds below. Loud notes
are full, soft ones pale. Drums have their own lane with a row and a shape for each kind of drum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PIL import Image

from klangbild.emotion.space import Emotion
from klangbild.music.describe import describe, music_facts
from klangbild.music.families import FAMILIES, FAMILY_INDEX
from klangbild.music.piece import MOOD, PITCH_NAMES, Piece
from klangbild.music.section_marks import SECTION
from klangbild.music.timing import without_ritardando
from klangbild.picture.picture import Picture
from klangbild.show.canvas import (
    FAINT,
    INK,
    LINE,
    PANEL,
    SOFT_INK,
    Canvas,
    blend,
    png_bytes,
    shortened,
    text_width,
    wrapped,
)
from klangbild.show.drum_rows import draw_hit, drum_rows
from klangbild.show.plane import draw_plane
from klangbild.show.thumbnail import Gaze, draw_gaze_times, draw_picture

_MARGIN = 48
_GUTTER = 132
_HEADER = 300
_LANES_HEIGHT = 640
_LANE_GAP = 8
_DRUM_ROW_HEIGHT = 17


@dataclass(frozen=True)
class _Lane:
    family: str
    notes: np.ndarray
    lowest: int
    highest: int
    top: float = 0.0
    height: float = 0.0


def draw_piano_roll(
    piece: Piece,
    *,
    picture: Picture | None = None,
    emotion: Emotion | None = None,
    asked: Emotion | None = None,
    title: str = "",
    subtitle: str = "",
    gaze: Gaze = (),
    width: int = 1800,
) -> Image.Image:
    """The sheet as an RGB image, `width` (>= 900) pixels wide; its height follows from the number of lanes.

    emotion: what the picture feels like; asked: the point that the music was made for. gaze: the places of the picture that the music
    comes to, in order, drawn on the picture and at their times; without a picture they are left out.
    """
    width = max(int(width), 900)
    lanes = _lanes(piece)
    lanes_height = sum(lane.height for lane in lanes) + _LANE_GAP * max(len(lanes) - 1, 0) if lanes else 120
    roll_top = _MARGIN + _HEADER + 74
    canvas = Canvas(width, math.ceil(roll_top + lanes_height + 64 + _MARGIN * 0.6))
    _draw_header(canvas, piece, picture, emotion, asked, title, subtitle, gaze)
    left, right = _MARGIN + _GUTTER, width - _MARGIN
    end = max(piece.end_beats, 1e-6)
    seconds = max(piece.seconds, 1e-6)

    def x_of(beats):
        return left + (right - left) * np.asarray(piece.beats_to_seconds(beats)) / seconds

    for lane in lanes:
        _draw_lane(canvas, lane, roll_top, left, right)
    _draw_time(canvas, piece, x_of, roll_top, lanes_height, left, right, seconds, end)
    if picture is not None:
        at = roll_top + lanes_height + 10
        draw_gaze_times(canvas, gaze, lambda t: left + (right - left) * t / seconds, at, seconds)
    for lane in lanes:
        (_draw_drums if lane.family == "drums" else _draw_notes)(canvas, lane, roll_top, x_of)
    if not lanes:
        canvas.text((left + right) / 2, roll_top + 64, "silence", size=22, fill=SOFT_INK, anchor="ms")
    return canvas.finish()


def piano_roll_png(image: Image.Image, piece: Piece, *, title: str = "", record: str | None = None) -> bytes:
    """PNG bytes of a drawn roll; its text chunks carry the title, the music in words (the alt text) and the record."""
    return png_bytes(
        image,
        texts={"Title": title, "Description": alt_text(piece), "Software": "klangbild", "klangbild": record or ""},
    )


def alt_text(piece: Piece) -> str:
    """What the roll shows, in words."""
    facts = music_facts(piece)
    if not piece.n_notes:
        return "Piano roll of a silent piece."
    return f"Piano roll of {facts['notes']} notes in {facts['bars']} bars, {facts['seconds']:.0f} seconds: {describe(piece)}."


# --- header ----------------------------------------------------------------------------------------------------------


def _draw_header(canvas, piece, picture, emotion, asked, title, subtitle, gaze) -> None:
    x, y = float(_MARGIN), float(_MARGIN)
    right = canvas.width - _MARGIN
    if picture is not None:
        x += draw_picture(canvas, picture, x, y, _HEADER - 16, gaze) + 44
    if emotion or asked:
        side = _HEADER - 56
        draw_plane(canvas, right - side - 64, y + 22, side, emotion=emotion, asked=asked)
        right -= side + 64 + 96
    room = right - x
    facts = music_facts(piece)
    if subtitle:
        canvas.text(x, y + 18, shortened(subtitle.upper(), 14, room), size=14, fill=SOFT_INK)
    for line in wrapped(title or "Untitled", 46, room, lines=1):
        canvas.text(x, y + 70, line, size=46, bold=True)
    canvas.line([(x, y + 92), (x + 72, y + 92)], fill=INK, line=3)
    at = y + 128
    for line in wrapped(_sentence(facts["words"]), 21, room, lines=3):
        canvas.text(x, at, line, size=21, fill=INK)
        at += 29
    column = x
    for value, name in _figures(facts):
        wide = max(text_width(value, 24), text_width(name, 13))
        if column + wide > right:
            break
        canvas.text(column, y + _HEADER - 32, value, size=24, bold=True)
        canvas.text(column, y + _HEADER - 10, name, size=13, fill=SOFT_INK)
        column += wide + 38


def _figures(facts: dict) -> list[tuple[str, str]]:
    minutes, seconds = divmod(round(facts["seconds"]), 60)
    return [
        (f"{minutes}:{seconds:02d}", "length"),
        (f"{facts['tempo']:.0f}" if facts["tempo"] % 1 < 0.05 else f"{facts['tempo']:.1f}", "bpm"),
        (facts["key"] or "none", "key"),
        (facts["meter"], "meter"),
        (str(facts["bars"]), "bars" if facts["bars"] != 1 else "bar"),
        (f"{facts['notes']:,}", "notes" if facts["notes"] != 1 else "note"),
    ]


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + "." if words else ""


# --- lanes -----------------------------------------------------------------------------------------------------------


def _lanes(piece: Piece) -> list[_Lane]:
    """High instruments above, bass and drums at the bottom; heights follow from the range of pitches."""
    merged = piece.by_family()
    pitched = []
    for family, notes in merged.items():
        if family == "drums":
            continue
        low, high = int(notes["pitch"].min()), int(notes["pitch"].max())
        pad = max(11 - (high - low), 2)
        pitched.append(_Lane(family, notes, low - pad // 2 - 1, high + (pad + 1) // 2 + 1))
    pitched.sort(key=lambda lane: (-float(np.median(lane.notes["pitch"])), FAMILY_INDEX[lane.family]))
    total = sum(lane.highest - lane.lowest + 1 for lane in pitched)
    per_semitone = min(max(_LANES_HEIGHT / total, 3.4), 12.0) if total else 0
    lanes, top = [], 0.0
    for lane in pitched:
        height = max((lane.highest - lane.lowest + 1) * per_semitone, 54)
        lanes.append(_Lane(lane.family, lane.notes, lane.lowest, lane.highest, top, height))
        top += height + _LANE_GAP
    if "drums" in merged:
        rows = drum_rows(merged["drums"])
        lanes.append(_Lane("drums", merged["drums"], 0, len(rows) - 1, top, len(rows) * _DRUM_ROW_HEIGHT + 12))
    return lanes


def _colour(family: str) -> str:
    return FAMILIES[FAMILY_INDEX[family]].colour


def _draw_lane(canvas: Canvas, lane: _Lane, roll_top: float, left: float, right: float) -> None:
    top = roll_top + lane.top
    canvas.rectangle(left, top, right, top + lane.height, fill=PANEL)
    step = lane.height / (lane.highest - lane.lowest + 1)
    if lane.family != "drums":
        for pitch in range(lane.lowest, lane.highest + 1):
            y = top + lane.height - (pitch - lane.lowest + 1) * step
            if pitch % 12 in (1, 3, 6, 8, 10):  # black keys
                canvas.rectangle(left, y, right, y + step, fill="#f6f4ef")
        for pitch in range(lane.lowest, lane.highest + 1):
            if pitch % 12 == 0:
                y = top + lane.height - (pitch - lane.lowest) * step
                canvas.line([(left, y), (right, y)], fill=LINE)
                canvas.text(
                    left - 8, y - step / 2, f"{PITCH_NAMES[0]}{pitch // 12 - 1}", size=11, fill=SOFT_INK, anchor="rm"
                )
    colour = _colour(lane.family)
    canvas.rectangle(_MARGIN, top, _MARGIN + 6, top + lane.height, fill=colour, radius=3)
    canvas.text(_MARGIN + 16, top + 17, lane.family, size=16, bold=True)
    if lane.family != "drums" and lane.height >= 50:
        count = len(lane.notes)
        canvas.text(_MARGIN + 16, top + 36, f"{count:,} {'note' if count == 1 else 'notes'}", size=11, fill=SOFT_INK)


def _draw_notes(canvas: Canvas, lane: _Lane, roll_top: float, x_of) -> None:
    step = lane.height / (lane.highest - lane.lowest + 1)
    bottom = roll_top + lane.top + lane.height
    colour = _colour(lane.family)
    fills = [blend(colour, PANEL, 0.3 + 0.7 * min(velocity / 110, 1)) for velocity in range(128)]
    edges = [blend(INK, colour, 0.45 if velocity > 40 else 0.2) for velocity in range(128)]
    starts = x_of(lane.notes["onset"])
    ends = x_of(lane.notes["onset"] + lane.notes["duration"])
    thick = max(step * 0.86, 3.0)
    # soft notes first, so that the loud ones lie on top
    for index in np.argsort(lane.notes["velocity"], kind="stable").tolist():
        x0, x1 = float(starts[index]), float(ends[index])
        pitch, velocity = int(lane.notes["pitch"][index]), int(lane.notes["velocity"][index])
        x1 = max(x1 - 0.75, x0 + 2.0)  # a hair of space, so that repeated notes stay apart
        y = bottom - (pitch - lane.lowest + 0.5) * step
        canvas.rectangle(x0, y - thick / 2, x1, y + thick / 2, fill=fills[velocity], radius=min(thick * 0.3, 2.5))
        if x1 - x0 > 4:
            canvas.rectangle(x0, y - thick / 2, x0 + 1.5, y + thick / 2, fill=edges[velocity])


def _draw_drums(canvas: Canvas, lane: _Lane, roll_top: float, x_of) -> None:
    rows = drum_rows(lane.notes)
    colour = _colour("drums")
    fills = [blend(colour, PANEL, 0.35 + 0.65 * min(velocity / 110, 1)) for velocity in range(128)]
    row_of = {pitch: index for index, row in enumerate(rows) for pitch in row.keys}
    onsets = x_of(lane.notes["onset"])
    for index, (name, _, _) in enumerate(rows):
        y = roll_top + lane.top + 6 + (index + 0.5) * _DRUM_ROW_HEIGHT
        canvas.line([(_MARGIN + _GUTTER, y), (canvas.width - _MARGIN, y)], fill=FAINT)
        canvas.text(_MARGIN + _GUTTER - 8, y, name, size=10.5, fill=SOFT_INK, anchor="rm")
    for note, x in zip(lane.notes, onsets.tolist(), strict=True):
        row = row_of[int(note["pitch"])]
        y = roll_top + lane.top + 6 + (row + 0.5) * _DRUM_ROW_HEIGHT
        draw_hit(
            canvas, rows[row].shape, x + 3, y, 2.4 + 2.6 * int(note["velocity"]) / 127, fills[int(note["velocity"])]
        )


# --- time ------------------------------------------------------------------------------------------------------------


def _draw_time(canvas, piece, x_of, top, height, left, right, seconds, end) -> None:
    """Bar lines and numbers above, seconds below, section markers and tempo changes over the bars."""
    starts = piece.bar_starts()
    positions = x_of(np.array(starts)).tolist()
    per_bar = (right - left) / max(len(starts), 1)
    every = next((k for k in (1, 2, 4, 8, 16, 32, 64, 128, 256) if per_bar * k >= 34), 512)
    for index, x in enumerate(positions):
        numbered = index % every == 0
        if per_bar >= 5 or numbered:
            canvas.line([(x, top), (x, top + height)], fill=LINE if numbered else FAINT)
        if numbered and x < right - 8:
            canvas.text(x, top - 10, str(index + 1), size=12, fill=SOFT_INK, anchor="ms" if index else "ls")
    canvas.text(left - 8, top - 10, "bar", size=12, fill=SOFT_INK, anchor="rs")
    tick = next((k for k in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600) if (right - left) / seconds * k >= 64), 1200)
    bottom = top + height
    canvas.line([(left, bottom + 10), (right, bottom + 10)], fill=LINE)
    for at in np.arange(0, seconds + 1e-6, tick).tolist():
        x = left + (right - left) * at / seconds
        canvas.line([(x, bottom + 10), (x, bottom + 16)], fill=SOFT_INK)
        label = f"{int(at) // 60}:{int(at) % 60:02d}" if seconds >= 60 else f"{at:.0f} s"
        if x < right - 4:
            canvas.text(x, bottom + 34, label, size=12, fill=SOFT_INK, anchor="ms" if at else "ls")
    canvas.text(left - 8, bottom + 34, "time", size=12, fill=SOFT_INK, anchor="rs")
    _draw_markers(canvas, piece, x_of, top, height, left, right)


def _draw_markers(canvas, piece, x_of, top, height, left, right) -> None:
    flags = [(beat, text.removeprefix(MOOD).removeprefix(SECTION)) for beat, text in piece.markers if text.strip()]
    # the end's slowing down and a breath are heard as one tempo; what lasts is another
    steady = without_ritardando(piece).tempos
    lasts = [t for t, after in zip(steady, (*steady[1:], (piece.end_beats, 0.0)), strict=True) if after[0] - t[0] > 2.0]
    if 1 < len(lasts) <= 12:
        changes = pairwise(lasts)
        flags += [(beat, f"{bpm:.0f} bpm") for (_, before), (beat, bpm) in changes if round(bpm) != round(before)]
    free_from = left
    by_beat: dict[float, list[str]] = {}
    for beat, text in flags:
        by_beat.setdefault(beat, []).append(text)
    for beat, texts in sorted(by_beat.items()):
        text = ", ".join(texts)
        x = float(x_of(beat))
        label = shortened(text, 12, 150)
        wide = text_width(label, 12) + 14
        if x < free_from - 1 or x > right - 10:  # no room: the line alone says that something changes
            continue
        canvas.line([(x, top - 48), (x, top - 24)], fill=SOFT_INK, line=1.2)
        canvas.line([(x, top), (x, top + height)], fill=SOFT_INK, line=1.2)
        canvas.rectangle(x, top - 48, min(x + wide, right), top - 29, fill=INK, radius=2)
        canvas.text(x + 7, top - 34, label, size=12, fill=PANEL)
        free_from = x + wide + 4
