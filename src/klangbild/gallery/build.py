"""Build a gallery: find the pieces, write the pages and tables beside them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from klangbild.errors import OutputError
from klangbild.gallery.exhibits import Found, find_exhibits
from klangbild.gallery.pages import MARK, data_of, pages_of
from klangbild.gallery.tables import csv_of, parquet_of, playlist_of
from klangbild.gallery.thumbnails import make_thumbnails
from klangbild.whole_files import atomic_write, make_folder

ASSETS = "gallery"
"""The folder beside the pages with what they share."""


def build_gallery(
    folder: Path, *, pictures: Sequence[Path] = (), title: str | None = None, parquet: bool = False
) -> tuple[Path, Found]:
    """Make the site of a folder of pieces, in it -> (its first page, what was found). pictures: where the pictures lie, for thumbnails;
    without them a card shows the piano roll. What an earlier call wrote is replaced.

    Raises:
        InputError: no pieces. OutputError: a page of somebody else is in the way. NotAvailableError: Parquet without pyarrow.
    """
    found = find_exhibits(folder)
    first = folder / "index.html"
    if first.exists() and MARK.encode() not in first.read_bytes()[:400]:
        raise OutputError(f"{first}: is not a page of ours and would be overwritten; move it away")
    table = parquet_of(found.exhibits) if parquet else None
    shared = folder / ASSETS
    make_folder(shared)
    thumbnails = make_thumbnails(found.exhibits, pictures, shared)
    for name in ("gallery.css", "gallery.js"):
        atomic_write(shared / name, (files("klangbild.gallery") / name).read_bytes())
    atomic_write(shared / "pieces.js", data_of(found.exhibits, thumbnails))
    pages = pages_of(found.exhibits, thumbnails, title=title or folder.resolve().name)
    for stale in folder.glob("page-[0-9][0-9][0-9][0-9].html"):
        if stale.name not in pages and MARK.encode() in stale.read_bytes()[:400]:
            stale.unlink()
    for name, page in pages.items():
        atomic_write(folder / name, page)
    atomic_write(folder / "playlist.m3u8", playlist_of(found.exhibits))
    atomic_write(folder / "pieces.csv", csv_of(found.exhibits))
    if table is not None:
        atomic_write(folder / "pieces.parquet", table)
    return first, found
