"""`klangbild edit PIECE`: a piece changed where it is asked, and left as it is elsewhere."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

from klangbild.cli.options import add_output, add_settings, asked_formats
from klangbild.errors import EXIT_INTERRUPTED, UsageError

MAX_TAKES = 100
_ABOUT = """Change a piece: a MIDI file of anybody's, or any file of ours (.mid .json .wav .flac .mp3 .ogg .png). What is not asked for stays event for
event: notes, controllers, tempi, names. The result carries what it was made from: 'klangbild replay' makes it again from any of its files."""
_EPILOG = """examples:
  klangbild edit lake-7.mid --bars 9-16 --anew
  klangbild edit lake-7.json --bars 5-8,13-16 --part strings --takes 3
"""


def register(subparsers: Any) -> None:
    from klangbild.editing.wish import Wish

    parser = subparsers.add_parser(
        "edit", help="a piece changed", description=_ABOUT, epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("piece", metavar="PIECE", help="a MIDI file, or another file that klangbild made")
    group = parser.add_argument_group("what is to be done")
    for knob in fields(Wish):
        meta, flag = knob.metadata, "--" + knob.name.replace("_", "-")
        if knob.type.startswith("bool"):
            group.add_argument(flag, action="store_true", default=None, help=meta["help"])
            continue
        bounds = f" [{meta['min']} to {meta['max']}]" if "min" in meta else ""
        group.add_argument(flag, default=None, type=_reader(knob), metavar=meta["metavar"], help=meta["help"] + bounds)
    group.add_argument(
        "--takes", default=1, type=_number, metavar="N", help=f"this many, with seed, seed + 1, ... [1 to {MAX_TAKES}]"
    )
    parser.add_argument(
        "--picture",
        default=None,
        metavar="PICTURE",
        help="the picture it was made from, for the piano roll (checked by its hash)",
    )
    add_output(parser)
    add_settings(parser, only=("soundfont", "loudness", "commercial"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from klangbild.cli.compose import check_output, is_file
    from klangbild.cli.options import settings_from
    from klangbild.cli.telling import Bar, Teller
    from klangbild.composer import edit, new_seed
    from klangbild.editing.wish import Wish
    from klangbild.errors import Stopped
    from klangbild.formats.table import DEFAULT_FORMATS, that_can_be_made, that_need_sound
    from klangbild.interrupt import softly
    from klangbild.result import check_filename, check_formats
    from klangbild.settings import Settings

    given = {
        name: value
        for name, value in settings_from(arguments).items()
        if name in ("soundfont", "loudness", "commercial")
    }
    wishes = {knob.name: value for knob in fields(Wish) if (value := getattr(arguments, knob.name)) is not None}
    takes = arguments.takes
    if not isinstance(takes, int) or not 1 <= takes <= MAX_TAKES:
        raise UsageError(f"--takes {takes}: give a whole number from 1 to {MAX_TAKES}")
    wish, settings = Wish.from_dict(wishes), Settings(**given)
    out, formats = Path(arguments.output), asked_formats(arguments)
    check_output(out, many=False, takes=takes)
    if formats is None or arguments.format.strip().lower() == "all":
        formats = that_can_be_made(formats or DEFAULT_FORMATS, notes=True)
    check_formats(formats, "notes", notes=True)
    check_filename(arguments.filename)
    if takes > 1 and arguments.overwrite and "{seed}" not in arguments.filename:
        raise UsageError("--overwrite: one of the --takes would replace the other; put {seed} into --filename")
    if that_need_sound((out.suffix.lower().lstrip("."),) if is_file(out) else formats, notes=True):
        from klangbild.sound.fonts import find_soundfont

        find_soundfont(settings.soundfont)
    seed = new_seed() if wish.seed is None else wish.seed
    teller = Teller(arguments, seed if wish.seed is None else None)
    with softly("Stopping; what exists by now is kept. Ctrl-C again ends at once.") as stop:
        for number in range(takes):
            with Bar(arguments.piece, arguments) as bar:

                def on_progress(done: float, total: float, bar: Bar = bar) -> bool:
                    return bar.update(done, total) and not stop()

                try:
                    result = edit(
                        arguments.piece, picture=arguments.picture, on_progress=on_progress,
                        **{**wishes, **given, "seed": (seed + number) % 2**32},
                    )  # fmt: skip
                except Stopped:
                    if number:
                        return EXIT_INTERRUPTED
                    raise
            paths = result.save(out, formats, filename=arguments.filename, overwrite=arguments.overwrite)
            teller.report(result.record, paths, result.picture.notes if result.picture is not None else ())
            if takes > 1:
                teller.tell(f"take {number + 1} of {takes}: seed {result.seed}", of=result.name)
            if stop() and number + 1 < takes:
                return EXIT_INTERRUPTED
    return 0


def _reader(knob: Any) -> Any:
    """Text -> value; what does not read stays text, so that `Wish` can complain in its own words."""
    kind = str(knob.type)
    if "tuple" in kind:
        return lambda text: tuple(part.strip() for part in text.split(",") if part.strip())
    if "int" in kind or "float" in kind:
        return _number
    return str


def _number(text: str) -> Any:
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text
