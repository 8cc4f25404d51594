"""`klangbild replay FILE`: the same piece again."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from klangbild.cli.options import add_output, asked_formats


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "replay", help="the same piece again, from any file klangbild made",
        description="Make a piece again from its .json, .mid, .wav, .flac, .mp3, .ogg or .png. Says so if it cannot be exact.",
    )  # fmt: skip
    parser.add_argument("file", metavar="FILE", help="a file that klangbild made")
    parser.add_argument(
        "--picture", default=None, metavar="PICTURE", help="the picture it was made from (checked by its hash)"
    )
    add_output(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from klangbild import record as records
    from klangbild.cli.compose import Teller, check_output
    from klangbild.replay import differences, replay_record
    from klangbild.result import check_filename
    from klangbild.settings import DEFAULT_FORMATS

    out = Path(arguments.output)
    check_output(out, many=False)
    check_filename(arguments.filename)
    formats = asked_formats(arguments)
    record = records.read(arguments.file)
    result = replay_record(record, picture=arguments.picture)
    if formats is None or arguments.format.strip().lower() == "all":
        formats = tuple(f for f in formats or DEFAULT_FORMATS if result.piece is not None or f != "mid")
    paths = result.save(out, formats, filename=arguments.filename, overwrite=arguments.overwrite)
    for reason in differences(record, result.record):  # the SoundFont is known once there is sound
        print(f"not exact: {reason}", file=sys.stderr)
    Teller(arguments).report(result, paths)
    return 0
