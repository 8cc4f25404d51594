"""A piece as one HTML file: picture, roll and player, nothing asked of any other place; it opens from a disk, a stick, a mail.

The roll is drawn as lines, a path for each family and loudness, which are also what the script reads to light what sounds; without a script
the page still plays and shows all of it. Equal input gives equal bytes.
"""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files

import numpy as np
from PIL import Image

from klangbild import __version__
from klangbild.music.families import FAMILIES, FAMILY_INDEX
from klangbild.music.piece import LOOP_END, LOOP_START, Piece
from klangbild.music.section_marks import shown
from klangbild.picture.picture import Picture
from klangbild.show.drum_rows import drum_rows
from klangbild.show.film_roll import color_on_dark
from klangbild.show.pianoroll import alt_text

RECORD_ID = "klangbild-record"
_RECORD = re.compile(rb'<script type="application/json" id="klangbild-record">(.*?)</script>', re.DOTALL)
_POLICY = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_PER_SECOND = 40
"""Units of the drawing that a second is long."""
_LONGEST_SIDE, _QUALITY = 1400, 84
_ROW, _DRUM_ROW, _LEAST_ROWS = 6.0, 9.0, 26
_HIGHEST = 360.0
_LOUD = (("soft", 0, 56), ("middle", 56, 88), ("loud", 88, 128))


@dataclass(frozen=True)
class PageWords:
    """What is written: title; words: the music in words; alt: the picture in words; facts: (name, value) of the piece; reasons: why it is so;
    footer: who made it, under which licence."""

    title: str
    words: str = ""
    alt: str = ""
    facts: Sequence[tuple[str, str]] = ()
    reasons: Sequence[str] = ()
    footer: str = ""


@dataclass
class _Roll:
    height: float = 0.0
    paths: list[tuple[str, str, float, str]] = field(default_factory=list)
    """(family, how loud, thickness, the lines)."""


def page_bytes(
    words: PageWords,
    *,
    sound: bytes,
    seconds: float,
    piece: Piece | None,
    picture: Picture | None,
    spectrogram: Image.Image | None = None,
    record: str | None = None,
) -> bytes:
    """The file. sound: an MP3, of `seconds`. spectrogram: of music without notes. record: kept inside, for `replay`."""
    say = html.escape
    kept = "" if not record else f'<script type="application/json" id="{RECORD_ID}">{_in_script(record)}</script>\n'
    shown = ""
    if picture is not None:
        image = f'<img class="picture" src="{_jpeg(picture)}" alt="{say(words.alt)}">'
        shown = f"<figure>{image}</figure>\n"
    drawn = _roll_html(piece, seconds) if piece is not None else _spectrogram_html(spectrogram, words.words)
    facts = "".join(f"<div><dt>{say(name)}</dt><dd>{say(value)}</dd></div>" for name, value in words.facts if value)
    reasons = "".join(f"<li>{say(reason)}</li>" for reason in words.reasons)
    why = f"<details><summary>Why it sounds so</summary><ul>{reasons}</ul></details>\n" if reasons else ""
    text = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n'
        f'<meta name="generator" content="klangbild {__version__}">\n'
        f'<meta name="description" content="{say(f"AI generated music: {words.words}")}">\n'
        f"<title>{say(words.title)}</title>\n{kept}<style>\n{_colors(piece)}{_part('page_file.css')}</style>\n</head>\n<body>\n<main>\n"
        f'{shown}<h1>{say(words.title)}</h1>\n<p class="words">{say(words.words)}</p>\n'
        f'<audio controls preload="metadata" aria-label="{say(words.title)}" src="data:audio/mpeg;base64,{base64.b64encode(sound).decode()}"></audio>\n'
        f"{drawn}<dl>{facts}</dl>\n{why}<footer>{say(words.footer)}</footer>\n</main>\n<script>\n{_part('page_file.js')}</script>\n</body>\n</html>\n"
    )
    return text.encode("utf-8", "replace")


def record_in_page(data: bytes) -> str | None:
    """The record in such a file; None where there is none."""
    found = _RECORD.search(data)
    return found[1].decode("utf-8", "replace") if found else None


def _in_script(record: str) -> str:
    """JSON that ends no script element: only strings in it can hold a "<"."""
    return record.replace("<", "\\u003c").replace("\0", "")


def _part(name: str) -> str:
    return files("klangbild.show").joinpath(name).read_text(encoding="utf-8")


def _jpeg(picture: Picture) -> str:
    image = Image.fromarray(picture.rgb)
    scale = min(_LONGEST_SIDE / max(image.size), 1.0)
    if scale < 1.0:
        size = tuple(max(round(side * scale), 1) for side in image.size)
        image = image.resize((size[0], size[1]), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return _data_of(image, "JPEG", quality=_QUALITY, optimize=True)


def _data_of(image: Image.Image, kind: str, **options: object) -> str:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(stream.getvalue()).decode()}"


def _colors(piece: Piece | None) -> str:
    """The families' colors, on light and on dark."""
    playing = piece.families if piece is not None else ()
    light = "".join(f"--{family}: {FAMILIES[FAMILY_INDEX[family]].colour};" for family in playing)
    dark = "".join(f"--{family}: {color_on_dark(family)};" for family in playing)
    rules = "".join(f".{family} {{ --own: var(--{family}); }}\n" for family in playing)
    return f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n{rules}"


def _roll_html(piece: Piece, seconds: float) -> str:
    roll, wide = _roll(piece), max(seconds, 0.1) * _PER_SECOND
    bars = "".join(f"M{at * _PER_SECOND:.1f} 0v{roll.height:.0f}" for at in _seconds(piece, piece.bar_starts()))
    lines = "".join(
        f'<path class="{family} {loud}" stroke-width="{thick:.1f}" d="{path}"/>'
        for family, loud, thick, path in roll.paths
    )
    names = "".join(f'<li class="{family}"><i></i>{family}</li>' for family in piece.families)
    flags = "".join(
        f'<span style="left:{100 * at / max(seconds, 0.1):.2f}%">{html.escape(text)}</span>'
        for at, text in _flags(piece)
    )
    return (
        f'<section class="roll"><ul class="players">{names}</ul>\n'
        f'<div class="track" tabindex="0" role="region" aria-label="Piano roll" style="--seconds:{seconds:.0f}"><div class="flags" aria-hidden="true">{flags}</div>'
        f'<svg role="img" aria-label="{html.escape(alt_text(piece))}" viewBox="0 0 {wide:.1f} {roll.height:.0f}" '
        f'preserveAspectRatio="none" height="{roll.height:.0f}" data-seconds="{seconds:.3f}"><path class="bars" d="{bars}"/>{lines}</svg></div></section>\n'
    )


def _spectrogram_html(image: Image.Image | None, words: str) -> str:
    if image is None:
        return ""
    return f'<section class="roll"><img class="spectrogram" src="{_data_of(image, "PNG")}" alt="{html.escape(f"Spectrogram: {words}")}"></section>\n'


def _roll(piece: Piece) -> _Roll:
    by_family = piece.by_family()
    rows = drum_rows(by_family["drums"]) if "drums" in by_family else []
    pitched = {family: notes for family, notes in by_family.items() if family != "drums"}
    lowest = min((int(notes["pitch"].min()) for notes in pitched.values()), default=60)
    highest = max((int(notes["pitch"].max()) for notes in pitched.values()), default=60)
    more = max(_LEAST_ROWS - (highest - lowest + 1), 2) if pitched else 0
    lowest, highest = lowest - more // 2, highest + (more + 1) // 2
    row = min(_ROW, _HIGHEST / (highest - lowest + 1))
    foot = (highest - lowest + 1) * row if pitched else 0.0
    roll = _Roll(foot + len(rows) * _DRUM_ROW + (6.0 if rows else 0.0))
    for family, notes in pitched.items():
        ends = _seconds(piece, notes["onset"] + notes["duration"])
        y = foot - (notes["pitch"].astype(float) - lowest + 0.5) * row
        _add(roll, family, notes, _seconds(piece, notes["onset"]), ends, y, max(row * 0.8, 3.0))
    if rows:
        notes = by_family["drums"]
        row_of = {key: index for index, row in enumerate(rows) for key in row.keys}
        y = np.array([foot + 3.0 + (row_of[int(pitch)] + 0.5) * _DRUM_ROW for pitch in notes["pitch"]])
        starts = _seconds(piece, notes["onset"])
        _add(roll, "drums", notes, starts, starts + 0.09, y, _DRUM_ROW * 0.62)
    return roll


def _add(
    roll: _Roll, family: str, notes: np.ndarray, starts: np.ndarray, ends: np.ndarray, y: np.ndarray, thick: float
) -> None:
    """The lines of a family's notes (n,); starts and ends (n,) in seconds, y (n,) in units of the drawing."""
    for loud, low, high in _LOUD:
        chosen = np.flatnonzero((notes["velocity"] >= low) & (notes["velocity"] < high))
        path = "".join(
            f"M{starts[i] * _PER_SECOND:.1f} {y[i]:.1f}h{max((ends[i] - starts[i]) * _PER_SECOND - 0.4, 1.0):.1f}"
            for i in chosen
        )
        if path:
            roll.paths.append((family, loud, thick, path))


def _flags(piece: Piece) -> list[tuple[float, str]]:
    marked = [(beat, text) for beat, text in piece.markers if text.strip() and text not in (LOOP_START, LOOP_END)]
    by_beat: dict[float, list[str]] = {}
    for beat, text in marked:
        by_beat.setdefault(beat, []).append(shown(text))
    return [(float(_seconds(piece, beat)[0]), ", ".join(texts)) for beat, texts in sorted(by_beat.items())]


def _seconds(piece: Piece, beats: object) -> np.ndarray:
    return np.atleast_1d(piece.beats_to_seconds(np.asarray(beats, float)))
