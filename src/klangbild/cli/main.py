"""`klangbild`: finds the command, runs it, and turns what went wrong into one line and an exit code.

Only the module of the command that is asked for is imported, so that `--help` is quick.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
import traceback
from importlib import import_module
from typing import NoReturn

from klangbild import __version__
from klangbild.errors import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, KlangbildError

COMMANDS = {
    "compose": "a picture becomes music ('klangbild PICTURE' means this)",
    "emotion": "what it sees in a picture: valence, arousal and why",
    "render": "a MIDI file becomes sound",
    "replay": "the same piece again, from any file it made",
    "serve": "the web page and its API",
    "models": "which models there are, their licences, how to add more",
    "doctor": "check this installation and make a two-second piece",
    "data": "prepare training data",
    "train": "train and export models",
    "measure": "measure music, models and parity with recorded data",
}
_EXAMPLES = """examples:
  klangbild lake.jpg                                  MIDI, WAV, piano roll and JSON beside you
  klangbild compose *.jpg -o out --seconds 60 --seed 7
  klangbild lake.jpg --arousal 0.8 --instruments piano,strings,drums --tempo 140

'klangbild COMMAND --help' shows every option with its range and default.
exit codes: 0 all done, 1 failed, 2 wrong usage, 3 some of a batch failed, 4 a model or file is not available, 130 interrupted
"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        print(f"Error: {message}; see '{self.prog} --help'", file=sys.stderr)
        raise SystemExit(EXIT_USAGE)


def run() -> NoReturn:
    """The console entry point."""
    raise SystemExit(main(sys.argv[1:]))


def main(argv: list[str]) -> int:
    """Run one command line; gives the exit code."""
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(_top_help(), end="")
        return EXIT_OK
    if argv[0] in ("-V", "--version"):
        print(f"klangbild {__version__}")
        return EXIT_OK
    if mistyped := _mistyped(argv[0]):
        print(f"Error: {mistyped}", file=sys.stderr)
        return EXIT_USAGE
    command = argv[0] if argv[0] in COMMANDS else "compose"
    rest = argv[1:] if argv[0] in COMMANDS else argv
    parser = Parser(prog="klangbild")
    subparsers = parser.add_subparsers(dest="command", parser_class=Parser)
    import_module(f"klangbild.cli.{command}").register(subparsers)
    try:
        arguments = parser.parse_args([command, *rest])
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        return int(arguments.run(arguments) or EXIT_OK)
    except KlangbildError as error:
        print(f"Error: {error}", file=sys.stderr)
        if getattr(arguments, "verbose", 0):
            traceback.print_exc()
        return error.exit_code
    except KeyboardInterrupt:
        print("Interrupted; nothing half-written is left.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED


def _mistyped(word: str) -> str | None:
    """What to say of a first word that is neither a command nor a file nor a flag but looks like a command."""
    if word in COMMANDS or word.startswith("-") or os.path.exists(word):  # noqa: PTH110 - pathlib is slower to import
        return None
    close = difflib.get_close_matches(word, COMMANDS, n=1, cutoff=0.7)
    return f"'{word}' is neither a command nor a file; did you mean 'klangbild {close[0]}'?" if close else None


def _top_help() -> str:
    lines = ["klangbild: a picture goes in; music that fits it comes out, as notes (MIDI) and as sound.", ""]
    lines += ["usage: klangbild COMMAND ...   or   klangbild PICTURE ...", "", "commands:"]
    lines += [f"  {name:9} {help}" for name, help in COMMANDS.items()]
    return "\n".join(lines) + "\n\n" + _EXAMPLES


if __name__ == "__main__":
    run()
