"""`klangbild render FILE.mid`: notes become sound, a score, a film, a page."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from klangbild.cli.options import add_output, add_settings, asked_formats
from klangbild.errors import UsageError
from klangbild.formats.table import OF_OTHERS, format_named, that_need_sound

_KIND = "format that a MIDI file becomes"
_EPILOG = """examples:
  klangbild render song.mid -o song.flac
  klangbild render song.mid -f musicxml,pdf
  klangbild render song.mid -f mp4 --picture cover.jpg --video upright
"""


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "render", help="a MIDI file becomes sound, a score, a film",
        description="Play a MIDI file with a SoundFont, mixed to a set loudness; or write its score, draw its roll, film it.",
        epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("midi", metavar="FILE.mid", help="the MIDI file")
    parser.add_argument("-f", "--format", default=None, metavar="LIST", help=f"of {' '.join(OF_OTHERS)} (default: wav)")
    parser.add_argument("--picture", default=None, metavar="PICTURE", help="what mp4, html and png show besides")
    parser.add_argument("--trim", action="store_true", help="cut silence off the front (default: time is kept)")
    add_output(parser, formats=False)
    add_settings(parser, only=("soundfont", "loudness", "video"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from klangbild.cli.compose import check_output
    from klangbild.file_names import as_file_name
    from klangbild.formats.played import Played
    from klangbild.music.midi_performance import read_performance
    from klangbild.picture.load import load_picture
    from klangbild.result import check_formats
    from klangbild.settings import Settings
    from klangbild.slips import unknown_format
    from klangbild.whole_files import make_folder

    given = {k: v for k in ("soundfont", "loudness", "video") if (v := getattr(arguments, k)) is not None}
    settings = Settings(**given)
    out, source = Path(arguments.output), Path(arguments.midi)
    is_file = bool(out.suffix) and not out.is_dir()
    formats = asked_formats(arguments, OF_OTHERS, _KIND)
    if formats is None:
        formats = (out.suffix.lstrip(".").lower() if is_file else "wav",)
        if formats[0] not in OF_OTHERS:
            raise UsageError(f"-o {out}: {unknown_format(formats[0], OF_OTHERS, _KIND)}")
    check_formats(formats, "", notes=True)
    shown = [name for name in formats if name in ("mp4", "html")]
    if arguments.trim and shown:
        raise UsageError(
            f"--trim and -f {shown[0]} exclude each other: notes would run late behind the sound; leave one out"
        )
    check_output(out, many=False)
    piece = read_performance(source)
    picture = None if arguments.picture is None else load_picture(arguments.picture)
    sounds = bool(that_need_sound(formats, notes=True))
    if not arguments.quiet:
        if piece.told:
            print(f"{source}: {'; '.join(piece.told)}", file=sys.stderr)
        _tell_unheard(arguments, given, formats, sounds)
    played = Played(source, piece, settings, picture, arguments.trim)
    if sounds and not arguments.quiet:
        for line in (*played.master.silent, *(played.master.told if "loudness" in given else ())):
            print(f"{source}: {line}", file=sys.stderr)
    facts = played.master.facts if sounds else None
    folder = out.parent if is_file else out
    make_folder(folder)
    stem = out.stem if is_file else as_file_name(source.stem)
    for name in formats:
        row = format_named(name)
        path = out if is_file else folder / row.file_name(stem)
        number = 1
        while os.path.lexists(path) and not arguments.overwrite:
            number += 1
            path = path.with_name(row.file_name(f"{stem}-{number}"))
        row.write(played, path)
        print(json.dumps({"files": {name: str(path)}, "sound": facts}) if arguments.json else path)
    if arguments.verbose and facts:
        print(facts, file=sys.stderr)
    return 0


def _tell_unheard(arguments: argparse.Namespace, given: dict[str, Any], formats: tuple[str, ...], sounds: bool) -> None:
    """What was asked for and has no effect on these formats."""
    for name in ("soundfont", "loudness"):
        if name in given and not sounds:
            print(f"--{name} is of no effect: no sound is made (-f {','.join(formats)})", file=sys.stderr)
    if arguments.trim and not sounds:
        print(f"--trim is of no effect: no sound is made (-f {','.join(formats)})", file=sys.stderr)
    if "video" in given and "mp4" not in formats:
        print("--video is of no effect: no film is made (add mp4 to -f)", file=sys.stderr)
    if arguments.picture is not None and not {"mp4", "html", "png"} & set(formats):
        print(f"--picture is of no effect: nothing shows it (-f {','.join(formats)})", file=sys.stderr)
