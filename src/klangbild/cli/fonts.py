"""`klangbild fonts`: the SoundFonts that are here, and how to get a better one."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from klangbild.errors import EXIT_NOT_AVAILABLE, EXIT_OK, InputError


def register(subparsers: Any) -> None:
    """Add `fonts` to the command line."""
    parser = subparsers.add_parser(
        "fonts",
        help="which SoundFonts are here",
        description="List the SoundFonts that are found, with size, licence and what they hold. The first one plays; others by "
        "--soundfont NAME, or by KLANGBILD_SOUNDFONT in the environment.",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("-q", "--quiet", action="store_true", help="no hints")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print a line for each font. Returns the exit code: 4 where there is none."""
    from klangbild.sound.fonts import better_font, describe, list_soundfonts

    fonts = []
    for path in list_soundfonts():
        try:
            fonts.append(describe(path))
        except InputError as error:
            print(error, file=sys.stderr)
    for font in fonts:
        if arguments.json:
            print(json.dumps(asdict(font), ensure_ascii=False))
        else:
            holds = f"{font.instruments} instruments, {font.kits} drum kits"
            print(f"{font.name:32} {font.megabytes:7.1f} MB  {font.licence:16} {holds:36} {font.path}")
    if not fonts:
        print("there is no SoundFont here; run 'pip install pretty_midi'", file=sys.stderr)
    hint = better_font()
    if hint and not arguments.quiet and not arguments.json:
        print(f"A better one: {hint}", file=sys.stderr)
    return EXIT_OK if fonts else EXIT_NOT_AVAILABLE
