"""`klangbild gallery DIR`: a folder of composed pieces as a site without a server."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

_ABOUT = """Make a site of a folder that 'klangbild compose -o DIR' wrote: pictures or piano rolls with players, a hundred to a page, search by words, mood, key and
tempo, a map of all pieces on the emotion plane, a playlist (M3U) and a table (CSV). It opens from a disk or a USB stick, without a server.
Each piece needs its record (.json) there; sound as mp3, ogg, flac or wav."""


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("gallery", help="a folder of pieces as a site without a server", description=_ABOUT)
    parser.add_argument("folder", metavar="DIR", type=Path, help="what 'klangbild compose -o' wrote")
    parser.add_argument(
        "--pictures",
        metavar="PLACE",
        type=Path,
        nargs="+",
        default=[],
        help="where the pictures lie: small copies stand on the cards",
    )
    parser.add_argument("--title", default=None, metavar="TEXT", help="above the pages (default: the folder's name)")
    parser.add_argument("--parquet", action="store_true", help="the table also as Parquet (needs 'klangbild[museum]')")
    parser.add_argument("-q", "--quiet", action="store_true", help="only errors")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="a traceback with an error")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from klangbild.errors import InputError
    from klangbild.gallery.build import build_gallery

    for place in arguments.pictures:
        if not place.exists():
            raise InputError(f"--pictures {place}: is not there; give a folder or a picture")
    first, found = build_gallery(
        arguments.folder, pictures=arguments.pictures, title=arguments.title, parquet=arguments.parquet
    )
    print(first)
    if not arguments.quiet:
        silent = sum(exhibit.sound is None for exhibit in found.exhibits)
        words = f"{len(found.exhibits)} pieces" + (f", {silent} of them without sound" if silent else "")
        if found.passed_over:
            names = ", ".join(found.passed_over[:3]) + (" ..." if len(found.passed_over) > 3 else "")
            words += f"; passed over, since they are no records: {names}"
        print(words, file=sys.stderr)
    return 0
