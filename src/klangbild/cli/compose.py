"""`klangbild compose PICTURE...`: pictures become music."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klangbild.batch.jobs import plan_jobs
from klangbild.batch.journal import Journal
from klangbild.cli.options import add_output, add_settings, asked_formats, settings_from
from klangbild.cli.telling import Teller
from klangbild.errors import OutputError, UsageError
from klangbild.formats.table import FORMATS
from klangbild.interrupt import softly

if TYPE_CHECKING:
    from klangbild.settings import Settings

_EPILOG = """examples:
  klangbild compose lake.jpg
  klangbild compose lake.jpg --seconds 60 --seed 7 -o out -f mid,mp3
  klangbild compose lake.jpg --text "early morning, hopeful, slow piano" --candidates 4
"""


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "compose", help="a picture becomes music", description="A picture becomes music: MIDI, WAV, piano roll and JSON.",
        epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "pictures", nargs="*", metavar="PICTURE", help="picture files, folders of pictures, or - for stdin"
    )
    parser.add_argument("-r", "--recursive", action="store_true", help="folders with all their sub-folders")
    parser.add_argument(
        "--variations", type=_whole_number, default=None, metavar="N",
        help="this many takes of each picture, with seed, seed + 1, ... [1 to 100]",
    )  # fmt: skip
    parser.add_argument(
        "--same", default=None, metavar="LIST", help="what --variations share: of key tempo players, comma-separated"
    )
    parser.add_argument(
        "--workers",
        default=None,
        metavar="N",
        help="this many processes for several pictures, or auto: one a core (default: 1)",
    )
    parser.add_argument(
        "--cluster",
        default=None,
        metavar="ADDRESS",
        help="by the workers of a Dask cluster: its scheduler's address (tcp://HOST:8786) or scheduler file (.json)",
    )
    parser.add_argument(
        "--resume", action=argparse.BooleanOptionalAction, default=None,
        help="several pictures: leave out what the journal in -o says is done (default where there is one)",
    )  # fmt: skip
    add_output(parser)
    add_settings(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from klangbild.batch.workers import Task, number_of_workers
    from klangbild.cli.many import Batch, compose_in_cluster, compose_in_turn, compose_in_workers
    from klangbild.composer import Composer, new_seed
    from klangbild.variations import Variations

    given = settings_from(arguments)
    workers, cluster = _workers(arguments.workers), arguments.cluster
    if cluster is not None and (workers is not None or is_file(Path(arguments.output))):
        raise UsageError(
            "--cluster works into a folder and has workers of its own; leave --workers out, and give a folder with -o"
        )
    journal = None if arguments.resume is False else _journal(Path(arguments.output), arguments.resume)
    if journal is not None and "seed" not in given and journal.wishes.get("seed") is not None:
        given["seed"] = journal.wishes["seed"]  # an interruption is no reason for another seed
    teller = Teller(arguments, None if "seed" in given else given.setdefault("seed", new_seed()))
    settings, formats = checked(arguments, given, teller)
    out = Path(arguments.output)
    if arguments.same is not None and arguments.variations is None:
        raise UsageError("--same is of --variations; give their number as well, like --variations 4")
    n_takes = 1 if arguments.variations is None else arguments.variations
    same = Variations(settings, given["seed"], n_takes, arguments.same or ()).same  # refused before any work
    if n_takes > 1 and arguments.overwrite and "{seed}" not in arguments.filename:
        raise UsageError("--overwrite: one take of --variations would replace the other; put {seed} into --filename")
    sources = expand(arguments.pictures, teller, recursive=arguments.recursive, has_text=settings.text is not None)
    check_output(out, many=len(sources) > 1, takes=n_takes)
    many = len(sources) > 1
    of_folder = arguments.output != "." and any(Path(name).is_dir() for name in arguments.pictures)
    if many and not is_file(out) and (journal is not None or arguments.resume or workers or cluster or of_folder):
        wishes = wishes_of(arguments, given, formats)
        if journal is None:
            journal = None if arguments.resume is False else Journal(out, wishes)
        else:
            journal.refuse_others(wishes)
    else:
        journal = None
    plan = plan_jobs(sources, arguments.filename, journal)
    batch = Batch(plan, journal, Task(given, formats, out, arguments.overwrite, n_takes, same), teller)
    if cluster is not None and plan.jobs:
        return compose_in_cluster(batch, cluster)
    if many and workers is not None and len(plan.jobs) > 1:
        Composer().load(settings)  # what is amiss with all of them alike is told once, and before any
        return compose_in_workers(batch, number_of_workers(workers, len(plan.jobs)))
    with softly("Stopping; what exists by now is kept. Ctrl-C again ends at once.") as stop:
        return compose_in_turn(batch, settings, stop, many=many or n_takes > 1)


def checked(arguments: argparse.Namespace, given: dict[str, Any], teller: Teller) -> tuple[Settings, tuple[str, ...]]:
    """The settings and the formats, all that can be known of them before any work refused or told.

    Raises:
        UsageError, InputError, NotAvailableError: as `Composer.read`, `Result.save` and the fonts would.
    """
    from klangbild.formats.table import DEFAULT_FORMATS, that_can_be_made, that_need_sound
    from klangbild.models.engines import writes_notes
    from klangbild.result import check_filename, check_formats
    from klangbild.settings import Settings
    from klangbild.unheard import refuse_unheard, told_of_given

    settings = Settings(**given)
    refuse_unheard(settings)
    notes = writes_notes(settings)
    out, formats = Path(arguments.output), asked_formats(arguments)
    if formats is None or arguments.format.strip().lower() == "all":
        formats = that_can_be_made(formats or DEFAULT_FORMATS, notes=notes)
    check_formats(formats, settings.model or settings.engine, notes=notes)
    check_filename(arguments.filename)
    wanted = (out.suffix.lower().lstrip("."),) if is_file(out) else formats
    sounds = that_need_sound([name for name in wanted if name in FORMATS], notes=notes)
    if sounds and notes:  # the lack of a SoundFont is told before any work
        from klangbild.sound.fonts import find_soundfont

        find_soundfont(settings.soundfont)
    for line in told_of_given(given):
        teller.tell(line)
    for name in ("soundfont", "loudness"):
        if name in given and not sounds:
            teller.tell(f"--{name} is kept in the record only: no sound is made (-f {','.join(formats)})")
    if "video" in given and "mp4" not in wanted:
        teller.tell("--video is kept in the record only: no film is made (add mp4 to -f)")
    if settings.continue_from is not None:
        from klangbild.music.midi import read_continued

        read_continued(settings.continue_from)  # refused before any work
    return settings, formats


def wishes_of(arguments: argparse.Namespace, given: dict[str, Any], formats: tuple[str, ...]) -> dict[str, Any]:
    """What a journal keeps of what was asked for."""
    n_takes = 1 if arguments.variations is None else arguments.variations
    wishes = {
        **given, "formats": formats, "filename": arguments.filename, "variations": n_takes, "same": arguments.same,
    }  # fmt: skip
    return {name: value for name, value in wishes.items() if value is not None}


def _whole_number(text: str) -> Any:
    """A number, or the text, of which `Variations` says in its own words what is wrong."""
    try:
        return int(text)
    except ValueError:
        return text


def _workers(text: str | None) -> str | int | None:
    if text is None or text == "auto":
        return text
    number = _whole_number(text)
    if not isinstance(number, int) or not 1 <= number <= 256:
        raise UsageError(f"--workers {text}: give a whole number from 1 to 256, or auto")
    return number


def _journal(out: Path, wished: bool | None) -> Journal | None:
    """The journal in the folder -o. Raises UsageError: it was asked to go on from one, and -o is a file."""
    if is_file(out):
        if wished:
            raise UsageError(f"-o {out} is one file; --resume goes on with a folder")
        return None
    return Journal.read(out)


def expand(arguments: list[str], teller: Teller, *, recursive: bool, has_text: bool) -> list[tuple[str | None, Any]]:
    """[(name, picture)] of `find_pictures`; with --text, words alone are (None, None). What was passed over is told.

    Raises:
        UsageError: nothing was given.
    """
    if not arguments:
        if has_text:
            return [(None, None)]
        raise UsageError("there is no picture; give one, like 'klangbild lake.jpg' (or --text alone)")
    from klangbild.picture.find import find_pictures

    found = find_pictures(arguments, recursive=recursive)
    for line in found.told():
        teller.tell(line)
    return list(found.pictures)


def is_file(out: Path) -> bool:
    """Whether -o names a file, not a folder."""
    return bool(out.suffix) and not out.is_dir()


def check_output(out: Path, *, many: bool, takes: int = 1) -> None:
    """Whether results can be written at all, before any work. Raises UsageError or OutputError."""
    import os

    if is_file(out) and out.suffix.lower().lstrip(".") not in FORMATS:
        from klangbild.slips import unknown_format

        raise UsageError(f"-o {out}: {unknown_format(out.suffix, FORMATS)}")
    if is_file(out) and many:
        raise UsageError(f"-o {out} is one file, but there are several pictures; give a folder")
    if is_file(out) and takes > 1:
        raise UsageError(f"-o {out} is one file, but there are {takes} variations; give a folder")
    folder = out.parent if is_file(out) else out
    while not os.path.lexists(folder):
        folder = folder.parent
    if os.path.islink(folder) and not os.path.exists(folder):  # noqa: PTH110, PTH114 - these never raise
        raise OutputError(f"{folder}: is a link that leads nowhere; choose another folder with -o")
    if not os.path.isdir(folder):  # noqa: PTH112
        raise OutputError(f"{folder}: is a file, not a folder; choose another with -o")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{folder}: this folder is not writable; choose another with -o")
