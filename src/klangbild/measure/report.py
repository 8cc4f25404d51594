"""`klangbild measure report RESULTS.json... -o report.html`: everything measured, on one page that opens offline, and as PDF.

Tables with intervals, small multiples of every score, emotion planes asked and read, the tables of Art2Mus and MeLFusion, and,
for folders given as `--music NAME=DIR`, piano rolls of notes and spectrograms of sounds side by side. Nothing is loaded from
anywhere: pictures are inside the page. The PDF holds the same plots and tables.
"""

from __future__ import annotations

import argparse
import base64
import html
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from klangbild.errors import InputError, KlangbildError, UsageError
from klangbild.measure.report_plots import emotion_planes, small_multiples
from klangbild.measure.results import Results, command_line
from klangbild.measure.tables import layout, merged
from klangbild.show.canvas import Canvas, shortened, wrapped
from klangbild.whole_files import atomic_write

PIECES_SHOWN = 3
_PAGE_W, _PAGE_H = 1240, 1754  # A4 at 150 dpi


@dataclass(frozen=True)
class Part:
    """One part of a report: a heading, text lines, tables in Markdown or plain, and images with what they show."""

    title: str
    text: tuple[str, ...] = ()
    table: str = ""
    images: tuple[tuple[Image.Image, str], ...] = ()


def parts_of(results: list[Results], music: dict[str, Path]) -> list[Part]:
    """The report's parts, in reading order."""
    parts = []
    for result in results:
        scores = list(dict.fromkeys(s for sets in result.sets.values() for s in sets))
        text = f"{len(scores)} scores of {', '.join(result.sets)}, each with its 95 % interval"
        # in pieces of half a page, so that no panel is cut where a page ends
        each = 3 * max(_PAGE_H // 2 // (52 + 24 * len(result.sets)), 1)
        groups = [scores[i : i + each] for i in range(0, len(scores), each)]
        images = [(small_multiples(result.sets, group), text if group is groups[-1] else "") for group in groups]
        images += _planes(result)
        parts.append(
            Part(f"{result.measure}", (*result.notes, f"seed {result.seed}"), _markdown(result), tuple(images))
        )
    sets = merged(results)
    papers = [p for p in ("art2mus", "melfusion") if _touches(p, sets)]
    for paper in papers:
        parts.append(Part(f"In the layout of {paper}", (), layout(paper, sets)))
    shown = [image for name, folder in music.items() for image in _music(name, folder)]
    if shown:
        parts.append(Part("The music", ("The first pieces of each folder, by name.",), "", tuple(shown)))
    return parts


def _markdown(result: Results) -> str:
    names = list(result.sets)
    scores = dict.fromkeys(s for sets in result.sets.values() for s in sets)
    lines = ["| score | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for score in scores:
        cells = [str(result.sets[n][score]) if score in result.sets[n] else "-" for n in names]
        lines.append(f"| {score.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _planes(result: Results) -> list[tuple[Image.Image, str]]:
    found = []
    blocks = {result.measure: result.details, **{k: v for k, v in result.details.items() if isinstance(v, dict)}}
    for name, block in blocks.items():
        if {"asked", "read"} <= set(block):
            asked, read = (
                np.array([[np.nan if v is None else v for v in r] for r in block[k]], float) for k in ("asked", "read")
            )
            text = f"{len(asked)} pieces: the emotion asked for and the emotion read back ({name})"
            found.append((emotion_planes(asked, read, title=text), text))
    return found


def _touches(paper: str, sets) -> bool:
    wanted = {
        "art2mus": {"fad_own", "spectral_kl", "imagebind_right", "quality"},
        "melfusion": {"fad_own", "kl_softmax", "ovl", "imsm"},
    }
    return any(wanted[paper] & set(scores) for scores in sets.values())


def _music(name: str, folder: Path) -> list[tuple[Image.Image, str]]:
    from klangbild.measure.fit import MUSIC_ENDINGS, SOUND_ENDINGS
    from klangbild.music.describe import describe
    from klangbild.music.midi import read_midi
    from klangbild.show.pianoroll import draw_piano_roll
    from klangbild.show.spectrogram import draw_spectrogram
    from klangbild.sound.files import read_audio

    files = sorted(f for f in folder.glob("*") if f.suffix.lower() in MUSIC_ENDINGS) if folder.is_dir() else []
    if not files:
        raise InputError(f"{folder}: holds no music; give --music NAME=DIR with .mid or sound files")
    found = []
    for file in files[:PIECES_SHOWN]:
        try:
            if file.suffix.lower() in SOUND_ENDINGS:
                audio = read_audio(file)
                text = f"{name}: spectrogram of {file.name}, {audio.seconds:.0f} s"
                found.append((draw_spectrogram(audio, title=text), text))
            else:
                piece = read_midi(file)
                text = f"{name}: piano roll of {file.name}: {describe(piece)}"
                found.append((draw_piano_roll(piece, title=f"{name}: {file.name}"), text))
        except KlangbildError as error:
            found.append((Canvas(600, 40).finish(), f"{name}: {error}"))
    return found


def html_page(parts: list[Part], *, title: str) -> str:
    """One self-contained document."""
    body = [f"<h1>{html.escape(title)}</h1><p>{html.escape(command_line())}</p>"]
    for part in parts:
        body.append(f"<section><h2>{html.escape(part.title)}</h2>")
        body += [f"<p>{html.escape(line)}</p>" for line in part.text]
        for image, text in part.images:
            data = base64.b64encode(_png(image)).decode()
            alt = html.escape(text or f"{part.title}: scores with intervals, as in the table below", quote=True)
            body.append(f'<figure><img alt="{alt}" src="data:image/png;base64,{data}">'
                        f"<figcaption>{html.escape(text)}</figcaption></figure>")  # fmt: skip
        body.append(_html_tables(part.table) + "</section>")
    style = (
        ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:0 auto;padding:1rem}"
        "img{max-width:100%}figure{margin:1rem 0}figcaption{font-size:.9rem;opacity:.8}"
        "div.t{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
        "td,th{border-bottom:1px solid #8886;padding:.25rem .7rem;text-align:right}td:first-child,th:first-child{text-align:left}"
    )
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{html.escape(title)}</title>'
    return (
        f'<!doctype html><html lang="en"><head>{head}<style>{style}</style></head><body>{"".join(body)}</body></html>\n'
    )


def _html_tables(text: str) -> str:
    out, rows = [], []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            if not line.startswith("|---"):
                rows.append([cell.strip() for cell in line.strip("|").split("|")])
            continue
        if rows:
            head, *rest = [
                "".join(f"<{t}>{html.escape(c)}</{t}>" for c in r)
                for r, t in zip(rows, ["th"] + ["td"] * len(rows), strict=False)
            ]
            out.append("<div class=t><table><tr>" + "</tr><tr>".join([head, *rest]) + "</tr></table></div>")
            rows = []
        if line:
            out.append(f"<h3>{html.escape(line)}</h3>")
    return "".join(out)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


class _Sheets:
    """A4 pages at 150 dpi that are written from the top; what does not fit goes on the next."""

    def __init__(self) -> None:
        self.pages: list[Canvas] = []
        self.turn()

    def turn(self) -> None:
        self.pages.append(Canvas(_PAGE_W, _PAGE_H, background="#ffffff"))
        self.at = 80.0

    def room(self, height: float) -> Canvas:
        if self.at + height > _PAGE_H - 60 and self.at > 80.0:
            self.turn()
        return self.pages[-1]

    def write(self, text: str, size: float, *, bold: bool = False) -> None:
        for line in wrapped(text, size, _PAGE_W - 160, lines=6):
            self.room(size * 1.5).text(80, self.at + size, line, size=size, bold=bold)
            self.at += size * 1.5

    def picture(self, image: Image.Image) -> None:
        for strip in _strips(image):
            width = min(_PAGE_W - 160, strip.width)
            height = width * strip.height / strip.width
            self.room(height).paste(strip, 80, self.at, width, height)
            self.at += height + 8

    def table(self, text: str) -> None:
        for line in text.splitlines():
            if not line.startswith("|"):
                self.write(line or " ", 14, bold=True)
            elif not line.startswith("|---"):
                row = [cell.strip() for cell in line.strip("|").split("|")]
                step = (_PAGE_W - 160 - 290) / max(len(row) - 1, 1)
                sheet = self.room(20)
                for column, cell in enumerate(row):
                    x = 80 if column == 0 else 370 + step * (column - 1)
                    sheet.text(x, self.at + 12, shortened(cell, 12, 280 if column == 0 else step - 8), size=12)
                self.at += 20


def pdf_bytes(parts: list[Part], *, title: str) -> bytes:
    """Headings, notes, plots and tables as a PDF of A4 pages."""
    sheets = _Sheets()
    sheets.write(title, 30, bold=True)
    for part in parts:
        sheets.at += 20
        sheets.room(160)
        sheets.write(part.title, 22, bold=True)
        for line in part.text:
            sheets.write(line, 14)
        for image, text in part.images:
            sheets.picture(image)
            if text:
                sheets.write(text, 13)
        sheets.at += 12
        sheets.table(part.table)
    buffer = io.BytesIO()
    images = [page.finish() for page in sheets.pages]
    images[0].save(buffer, "PDF", save_all=True, append_images=images[1:], resolution=150, title=title)
    return buffer.getvalue()


def _strips(image: Image.Image) -> list[Image.Image]:
    """An image cut so that each part fits on a page at the page's width."""
    tallest = int((_PAGE_H - 200) * max(image.width / (_PAGE_W - 160), 1))
    return [image.crop((0, y, image.width, min(y + tallest, image.height))) for y in range(0, image.height, tallest)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure report`."""
    parser.add_argument(
        "results", nargs="+", type=Path, metavar="RESULTS.json", help="of any 'klangbild measure ... -o'"
    )
    parser.add_argument(
        "--music", nargs="*", default=(), metavar="NAME=DIR", help="folders whose first pieces are shown"
    )
    parser.add_argument("--title", default="klangbild: what was measured")
    parser.add_argument("-o", "--out", type=Path, default=Path("report.html"), metavar="FILE.html")


def run(args: argparse.Namespace) -> int:
    """Write FILE.html and FILE.pdf."""
    music = {}
    for wish in args.music:
        name, sign, folder = wish.partition("=")
        if not sign:
            raise UsageError(f"--music {wish}: write NAME=DIR")
        music[name] = Path(folder)
    parts = parts_of([Results.load(path) for path in args.results], music)
    atomic_write(args.out, html_page(parts, title=args.title).encode())
    atomic_write(args.out.with_suffix(".pdf"), pdf_bytes(parts, title=args.title))
    print(args.out)
    print(args.out.with_suffix(".pdf"))
    return 0
