"""`klangbild render FILE.mid`: notes become sound."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from klangbild.cli.options import add_output, add_settings, asked_formats
from klangbild.errors import UsageError
from klangbild.formats.table import SOUND_FORMATS


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "render", help="a MIDI file becomes sound",
        description="Play a MIDI file with a SoundFont into a sound file, mixed to a set loudness.",
    )  # fmt: skip
    parser.add_argument("midi", metavar="FILE.mid", help="the MIDI file")
    parser.add_argument(
        "-f", "--format", default=None, metavar="LIST", help=f"of {' '.join(SOUND_FORMATS)} (default: wav)"
    )
    parser.add_argument("--trim", action="store_true", help="cut silence off the front (default: time is kept)")
    add_output(parser, formats=False)
    add_settings(parser, only=("soundfont", "loudness"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from klangbild.cli.compose import check_output
    from klangbild.file_names import as_file_name, readable
    from klangbild.music.midi_performance import read_performance
    from klangbild.settings import Settings
    from klangbild.slips import unknown_format
    from klangbild.sound.files import write_audio
    from klangbild.sound.master import play
    from klangbild.whole_files import make_folder

    given = {k: v for k in ("soundfont", "loudness") if (v := getattr(arguments, k)) is not None}
    settings = Settings(**given)
    out, source = Path(arguments.output), Path(arguments.midi)
    is_file = bool(out.suffix) and not out.is_dir()
    formats = asked_formats(arguments, SOUND_FORMATS, "sound format")
    if formats is None:
        formats = (out.suffix.lstrip(".").lower() if is_file else "wav",)
        if formats[0] not in SOUND_FORMATS:
            raise UsageError(f"-o {out}: {unknown_format(formats[0], SOUND_FORMATS, 'sound format')}")
    check_output(out, many=False)
    piece = read_performance(source)
    if piece.told and not arguments.quiet:
        print(f"{source}: {'; '.join(piece.told)}", file=sys.stderr)
    mastered = play(
        piece, soundfont=settings.soundfont, loudness_lufs=settings.loudness_lufs, trim_start=arguments.trim
    )
    if not arguments.quiet:
        for line in (*mastered.silent, *(mastered.told if "loudness" in given else ())):
            print(f"{source}: {line}", file=sys.stderr)
    folder = out.parent if is_file else out
    make_folder(folder)
    stem = out.stem if is_file else as_file_name(source.stem)
    for name in formats:
        path = out if is_file else folder / f"{stem}.{name}"
        number = 1
        while os.path.lexists(path) and not arguments.overwrite:
            number += 1
            path = path.with_name(f"{stem}-{number}.{name}")
        write_audio(path, mastered.audio, tags={"title": readable(source.stem), "artist": "klangbild"}, record=None)
        print(json.dumps({"files": {name: str(path)}, "sound": mastered.facts}) if arguments.json else path)
    if arguments.verbose:
        print(mastered.facts, file=sys.stderr)
    return 0
