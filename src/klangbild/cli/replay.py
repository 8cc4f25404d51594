"""`klangbild replay FILE`: the same piece again."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from klangbild.cli.options import add_output, add_settings, asked_formats

_ABOUT = """Make a piece again from any of its files that carries its record (.json, .mid, .wav, .flac, .mp3, .ogg, .png, .mp4, .html, .musicxml). Equal byte for
byte, with the same versions and SoundFont: MIDI, WAV, FLAC, MP3, OGG and stems; PNG, MP4 and HTML, too, where --picture is given. The JSON (and the .zip, which holds one) tells the times, files and device of its own run.
What is known to differ (model, SoundFont, klangbild, numpy, scipy, onnxruntime, symusic) is told."""


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "replay", help="the same piece again, from any file klangbild made",
        description=_ABOUT,
    )  # fmt: skip
    parser.add_argument("file", metavar="FILE", help="a file that klangbild made")
    parser.add_argument(
        "--picture",
        default=None,
        metavar="PICTURE",
        help="the picture it was made from (checked by its hash); sound engines need it, and the piano roll's thumbnail",
    )
    add_output(parser)
    add_settings(parser, only=("video",))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from klangbild.cli.compose import check_output
    from klangbild.cli.telling import Teller
    from klangbild.composer import replay_record
    from klangbild.formats.table import DEFAULT_FORMATS, DRAWING, format_named, that_can_be_made
    from klangbild.record.carriers import read_record
    from klangbild.record.requests import differences
    from klangbild.result import check_filename
    from klangbild.settings import Settings

    out = Path(arguments.output)
    check_output(out, many=False)
    check_filename(arguments.filename)
    formats = asked_formats(arguments)
    record = read_record(arguments.file)
    if arguments.video is not None:
        asked = Settings.from_dict({**record.settings.as_asked(), "video": arguments.video})
        record = replace(record, settings=asked)
    result = replay_record(record, picture=arguments.picture)
    if formats is None or arguments.format.strip().lower() == "all":
        formats = that_can_be_made(formats or DEFAULT_FORMATS, notes=result.piece is not None)
    paths = result.save(out, formats, filename=arguments.filename, overwrite=arguments.overwrite)
    for reason in differences(record, result.record):  # the SoundFont is known once there is sound
        print(f"not exact: {reason}", file=sys.stderr)
    drawn = ", ".join(name.upper() for name in paths if DRAWING in format_named(name).needs)
    if drawn and record.picture and result.picture is None and result.piece is not None:
        print(f"{drawn} without the picture: give --picture {record.picture.name}", file=sys.stderr)
    notes = result.picture.notes if result.picture is not None else ()
    Teller(arguments).report(result.record, paths, notes)
    return 0
