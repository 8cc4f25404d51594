"""`klangbild watch FOLDER`: music for every picture that is saved there, until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from klangbild.batch.jobs import plan_jobs
from klangbild.batch.journal import Journal
from klangbild.batch.watching import Watched
from klangbild.cli.options import add_output, add_settings, settings_from
from klangbild.cli.telling import Teller
from klangbild.errors import EXIT_INTERRUPTED, InputError, UsageError
from klangbild.interrupt import Stop, softly

EVERY_S = 0.7
"""Between two looks at the folder."""
_MUSIC = "music"
_ABOUT = """Compose for every picture that is saved into a folder, those that lie there first, until Ctrl-C. A file that is still being written is waited
for. The journal in OUT tells what is done, so that the same command goes on where it ended; `klangbild compose FOLDER -o OUT` knows it, too."""
_EPILOG = """examples:
  klangbild watch scans
  klangbild watch inbox -o music -f mid,mp3 --seconds 20 --seed 7
"""


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "watch", help="composes for every picture that is saved into a folder", description=_ABOUT, epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("folder", metavar="FOLDER", help="the folder to watch")
    parser.add_argument("-r", "--recursive", action="store_true", help="its sub-folders, too")
    add_output(parser, default=f"FOLDER/{_MUSIC}")
    add_settings(parser)
    parser.set_defaults(run=run, variations=None, same=None)


def run(arguments: argparse.Namespace, *, pause: Callable[[float], object] = time.sleep) -> int:
    """pause(seconds): between two looks; what it raises ends the watch."""
    from klangbild.batch.workers import Task
    from klangbild.cli.compose import check_output, checked, is_file, wishes_of
    from klangbild.composer import Composer, new_seed

    folder = Path(arguments.folder)
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "there is no such folder"
        raise InputError(f"{folder}: {what}; make it, or give the folder that pictures are saved into")
    if arguments.output == f"FOLDER/{_MUSIC}":
        arguments.output = str(folder / _MUSIC)
    out = Path(arguments.output)
    if is_file(out):
        raise UsageError(f"-o {out} is one file; give a folder for all that will come")
    given, journal = settings_from(arguments), Journal.read(out)
    if journal is not None and "seed" not in given and journal.wishes.get("seed") is not None:
        given["seed"] = journal.wishes["seed"]
    teller = Teller(arguments, None if "seed" in given else given.setdefault("seed", new_seed()))
    settings, formats = checked(arguments, given, teller)
    check_output(out, many=True)
    wishes = wishes_of(arguments, given, formats)
    if journal is None:
        journal = Journal(out, wishes)
    else:
        journal.refuse_others(wishes)
    task, composer = Task(given, formats, out, arguments.overwrite), Composer()
    watched, made = Watched(folder, out, arguments.recursive), 0
    with softly("Stopping; what exists by now is kept. Ctrl-C again ends at once.") as stop:
        stop.at_once = True
        try:
            composer.load(settings)
            if not arguments.quiet:
                print(f"watching {folder}; music goes to {out} (Ctrl-C ends it)", file=sys.stderr)
            while not stop():
                if ready := watched.look():
                    made += _compose(ready, watched, journal, task, teller, composer, settings, stop)
                stop.at_once = True
                pause(EVERY_S)
        except KeyboardInterrupt:
            pass
    if not arguments.quiet:
        print(
            f"stopped watching; {made} {'piece' if made == 1 else 'pieces'} made. The same command goes on.",
            file=sys.stderr,
        )
    return EXIT_INTERRUPTED


def _compose(
    ready: list[str],
    watched: Watched,
    journal: Journal,
    task: Any,
    teller: Teller,
    composer: Any,
    settings: Any,
    stop: Stop,
) -> int:
    """What came is composed, one after the other; how many pieces were made. A picture that fails is told and waits until it changes."""
    from klangbild.cli.many import Batch, compose_in_turn

    # those made before come first, so that names and equal bytes are told as for a whole folder
    known = [*(path for path in watched.given if path not in ready and journal.is_done(path)), *ready]
    plan = plan_jobs([(path, path) for path in known], teller.arguments.filename, journal)
    batch = Batch(replace(plan, done=0), journal, task, teller)
    compose_in_turn(batch, settings, stop, many=True, composer=composer)
    return batch.made
