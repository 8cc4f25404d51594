"""`klangbild compose PICTURE...`: pictures become music."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from klangbild.cli.options import add_output, add_settings, asked_formats, settings_from
from klangbild.cli.process import NO_MEMORY, is_of_memory
from klangbild.errors import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_SOME_FAILED,
    InputError,
    KlangbildError,
    OutputError,
    Stopped,
    UsageError,
)  # fmt: skip
from klangbild.interrupt import Stop, softly

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
    add_output(parser)
    add_settings(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from klangbild.composer import new_seed
    from klangbild.formats.table import DEFAULT_FORMATS, that_can_be_made, that_need_sound
    from klangbild.models.engines import writes_notes
    from klangbild.result import check_filename, check_formats
    from klangbild.settings import Settings
    from klangbild.unheard import refuse_unheard, told_of_given
    from klangbild.variations import Variations

    given = settings_from(arguments)
    teller = Teller(arguments, None if "seed" in given else given.setdefault("seed", new_seed()))
    settings = Settings(**given)
    refuse_unheard(settings)
    notes = writes_notes(settings)
    out, formats = Path(arguments.output), asked_formats(arguments)
    if formats is None or arguments.format.strip().lower() == "all":
        formats = that_can_be_made(formats or DEFAULT_FORMATS, notes=notes)
    check_formats(formats, settings.model or settings.engine, notes=notes)
    check_filename(arguments.filename)
    if arguments.same is not None and arguments.variations is None:
        raise UsageError("--same is of --variations; give their number as well, like --variations 4")
    n_takes = 1 if arguments.variations is None else arguments.variations
    Variations(settings, given["seed"], n_takes, arguments.same or ())  # refused before any work
    if n_takes > 1 and arguments.overwrite and "{seed}" not in arguments.filename:
        raise UsageError("--overwrite: one take of --variations would replace the other; put {seed} into --filename")
    sources = expand(arguments.pictures, teller, recursive=arguments.recursive, has_text=settings.text is not None)
    check_output(out, many=len(sources) > 1, takes=n_takes)
    sounds = that_need_sound((out.suffix.lower().lstrip("."),) if is_file(out) else formats, notes=notes)
    if sounds and notes:  # the lack of a SoundFont is told before any work
        from klangbild.sound.fonts import find_soundfont

        find_soundfont(settings.soundfont)
    for line in told_of_given(given):
        teller.tell(line)
    for name in ("soundfont", "loudness"):
        if name in given and not sounds:
            teller.tell(f"--{name} is kept in the record only: no sound is made (-f {','.join(formats)})")
    if settings.continue_from is not None:
        from klangbild.music.midi import read_continued

        read_continued(settings.continue_from)  # refused before any work
    with softly("Stopping; what exists by now is kept. Ctrl-C again ends at once.") as stop:
        return _compose_all(sources, formats, settings, given, teller, stop)


def _whole_number(text: str) -> Any:
    """A number, or the text, of which `Variations` says in its own words what is wrong."""
    try:
        return int(text)
    except ValueError:
        return text


def _compose_all(
    sources: list[tuple[str | None, Any]],
    formats: tuple[str, ...],
    settings: Any,
    given: dict[str, Any],
    teller: Teller,
    stop: Stop,
) -> int:
    """One picture after the other, one take of it after the other; one that fails does not stop the others. Gives the exit code."""
    from klangbild.composer import Composer
    from klangbild.variations import Variations

    arguments = teller.arguments
    composer, failures, done = Composer(), [], 0
    n_takes = arguments.variations or 1
    jobs = [(name, source, number) for name, source in sources for number in range(n_takes)]
    takes = Variations(settings, given["seed"], n_takes, arguments.same or ())
    if len(jobs) > 1:
        stop.at_once = True
        composer.load(settings)  # what is amiss with all of them alike is told once, and before any
    unusable = False
    for name, source, number in jobs:
        if number == 0:
            takes = Variations(settings, given["seed"], n_takes, arguments.same or ())
            unusable = False
        if unusable:  # the picture, so that no other take of it can come about
            continue
        try:
            if isinstance(source, KlangbildError):
                raise source
            with Bar(name, arguments) as bar:
                stop.at_once = True  # until there is anything to keep

                def on_progress(done: float, total: float, bar: Bar = bar) -> bool:
                    stop.at_once = False
                    return bar.update(done, total) and not stop()

                asked = {**given, **takes.settings(number)}
                result = composer.compose(source, on_progress=on_progress, **asked)
            takes.keep(result)
            paths = _save(result, formats, arguments, stop)
        except Exception as error:
            failed = error if isinstance(error, KlangbildError) else None
            if failed is None and is_of_memory(error):
                failed = InputError(f"{name or 'words'}: {NO_MEMORY}")
            if failed is None:
                raise
            if isinstance(failed, Stopped) or len(jobs) == 1:
                if arguments.json and not isinstance(failed, Stopped):
                    teller.fail(name, failed)
                raise failed from error
            failures.append((name, failed))
            unusable = isinstance(failed, InputError)
            teller.fail(name, failed)
            print(f"Error: {failed}", file=sys.stderr)
            continue
        done += 1
        teller.report(result, paths)
        if n_takes > 1:
            teller.tell(f"take {number + 1} of {n_takes}: seed {result.seed}", of=result.name)
        if stop():
            print("Stopped; what existed was kept.", file=sys.stderr)
            return EXIT_INTERRUPTED
    if len(jobs) > 1 and not arguments.quiet:
        print(
            f"{done} of {len(jobs)} {'takes' if n_takes > 1 else 'pictures'} done"
            + (f", {len(failures)} failed" if failures else ""),
            file=sys.stderr,
        )
    if not failures:
        return EXIT_OK
    codes = {error.exit_code for _, error in failures}
    return EXIT_SOME_FAILED if done else codes.pop() if len(codes) == 1 else EXIT_FAILED


def _save(result: Any, formats: tuple[str, ...], arguments: argparse.Namespace, stop: Stop) -> dict[str, Path]:
    """Write the files. Once asked to stop, of music that is notes only those are kept: they are written in no time, and `replay`
    makes the rest of them. Raises KeyboardInterrupt: there was nothing to keep."""

    from klangbild.formats.table import format_named

    def save(formats: tuple[str, ...]) -> dict[str, Path]:
        return result.save(Path(arguments.output), formats, filename=arguments.filename, overwrite=arguments.overwrite)

    quick = () if result.piece is None else tuple(name for name in formats if format_named(name).is_quick)
    if stop() and quick:
        return save(quick)
    stop.at_once = result.piece is not None and not stop()
    try:
        return save(formats)
    except KeyboardInterrupt:
        if not stop.at_once:  # the second one
            raise
        stop.at_once = False
        if not result.files and quick:
            save(quick)
        if not result.files:
            raise
        return result.files
    finally:
        stop.at_once = False


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

    from klangbild.formats.table import FORMATS

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


class Teller:
    """What is said of the results: paths or JSON on stdout, the rest on stderr.

    seed: the one that was drawn for this call, told with the first piece (not ahead of an error); None: the caller's own.
    """

    def __init__(self, arguments: argparse.Namespace, seed: int | None = None) -> None:
        self.arguments, self.seed = arguments, seed
        self._told: set[str] = set()

    def tell(self, line: str, *, of: str | None = None) -> None:
        """A line on stderr, said once a call."""
        if line not in self._told and not self.arguments.quiet:
            print(line if of is None else f"{of}: {line}", file=sys.stderr)
        self._told.add(line)

    def fail(self, name: str | None, error: Exception) -> None:
        """The line of a picture that failed, with --json."""
        if self.arguments.json:
            print(json.dumps({"picture": name, "error": str(error)}, ensure_ascii=False), flush=True)

    def report(self, result: Any, paths: dict[str, Path]) -> None:
        """Where the files of a result are, and what its asker should know."""
        if self.seed is not None:
            self.tell(f"seed {self.seed}")
        for note in result.picture.notes if result.picture is not None else ():
            self.tell(note, of=result.name)
        if self.arguments.json:
            record = {**result.record, "files": {name: str(path) for name, path in paths.items()}}
            print(json.dumps(record, ensure_ascii=False), flush=True)
        else:
            for path in paths.values():
                print(path, flush=True)
        if result.record.heard is not None:
            self.tell(f"{result.name}: {result.record.heard.words(result.asked)}")
        for line in result.told:
            self.tell(line, of=result.name)
        if self.arguments.verbose:
            self._explain(result)

    def _explain(self, result: Any) -> None:
        asked = result.asked
        print(
            f"{result.name}: {asked.name} (valence {asked.valence:+.2f}, arousal {asked.arousal:+.2f})", file=sys.stderr
        )
        for reason in result.reasons:
            print(f"  {reason}", file=sys.stderr)
        heard = result.record.heard
        if heard is not None:
            point = heard.emotion
            drafts = f"; nearest of {heard.drafts} drafts" if heard.drafts > 1 else ""
            print(f"  heard: valence {point.valence:+.2f}, arousal {point.arousal:+.2f}{drafts}", file=sys.stderr)
        print(f"  {result.record.music.words}", file=sys.stderr)
        print("  " + ", ".join(f"{k} {v:.2f} s" for k, v in result.record.run.timings_s.items()), file=sys.stderr)


class Bar:
    """A progress bar on a terminal; nothing elsewhere."""

    def __init__(self, name: str | None, arguments: argparse.Namespace) -> None:
        self.bar = None
        if sys.stderr.isatty() and not arguments.quiet:
            from tqdm import tqdm

            label = Path(name).stem[:24] if name else "words"
            self.bar = tqdm(total=100, desc=label, file=sys.stderr, leave=False, bar_format="{desc} {bar:30} {n:3.0f}%")

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.close()

    def update(self, done: float, total: float) -> bool:
        if self.bar:
            self.bar.n = 100.0 * done / max(total, 1e-9)
            self.bar.refresh()
        return True
