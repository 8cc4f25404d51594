"""`klangbild`: finds the command, runs it, and turns what went wrong into one line and an exit code.

Only the module of the command that is asked for is imported, so that `--help` is quick.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from typing import NoReturn

from klangbild import __version__, interrupt
from klangbild.cli.process import check_memory
from klangbild.errors import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, KlangbildError, UsageError

COMMANDS = {
    "compose": "a picture becomes music ('klangbild PICTURE' means this)",
    "emotion": "what it sees in a picture: valence, arousal and why",
    "render": "a MIDI file becomes sound, a score, a film",
    "edit": "a piece changed: bars written anew, varied, other players, key, tempo or mood",
    "replay": "the same piece again, from any file it made",
    "watch": "composes for every picture that is saved into a folder",
    "gallery": "a folder of pieces as a site without a server",
    "serve": "the web page and its API",
    "fonts": "which SoundFonts there are to play with, and how to get a better one",
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
exit codes: 0 all done, 1 failed, 2 wrong usage, 3 some of a batch failed, 4 a model or file is not available, 130 interrupted (Ctrl-C)
"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line with the next step in it."""

    def error(self, message: str) -> NoReturn:
        from klangbild.cli.typing_slips import plainer

        print(f"Error: {_one_line(plainer(message, self))} (see '{self.prog} --help')", file=sys.stderr)
        raise SystemExit(EXIT_USAGE)


def run() -> NoReturn:
    """The console entry point."""
    from klangbild.cli import process

    process.run(main)


def main(argv: list[str]) -> int:
    """Run one command line; gives the exit code."""
    if not argv or argv[0] in ("-h", "--help") or argv == ["help"]:
        print(_top_help(), end="")
        return EXIT_OK
    if argv[0] in ("-V", "--version"):
        print(f"klangbild {__version__}")
        return EXIT_OK
    prog = "klangbild"
    try:
        command, rest = _command(argv)
        parser = _parser(command)
        if rest == ["help"] and not os.path.exists("help"):  # noqa: PTH110 - pathlib is slower to import
            rest = ["--help"]
        parser, words = _deepest(parser, rest)
        prog = parser.prog
        arguments = _parse(parser, words)
    except UsageError as error:
        print(f"Error: {_one_line(error)} (see '{prog} --help')", file=sys.stderr)
        return EXIT_USAGE
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        if prog.split()[1:2] != ["models"]:
            check_memory()
        return int(arguments.run(arguments) or EXIT_OK)
    except KlangbildError as error:
        where = f" (see '{prog} --help')" if isinstance(error, UsageError) else ""
        print(f"Error: {_one_line(error)}{where}", file=sys.stderr)
        _trace(arguments)
        return error.exit_code
    except OSError as error:
        if error.filename is None:  # of a stream: the process around tells of it
            raise
        name, why = os.fsdecode(error.filename), error.strerror or type(error).__name__
        print(f"Error: {_one_line(name)}: {why}; check the path and what you may do there", file=sys.stderr)
        _trace(arguments)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print(interrupt.ENDED, file=sys.stderr)
        return EXIT_INTERRUPTED


def _command(argv: list[str]) -> tuple[str, list[str]]:
    """The command and what follows it. Raises UsageError: it is misspelt, or stands behind its options."""
    from klangbild.cli import typing_slips

    word = argv[0]
    if word == "help":  # alone it was answered above
        word, argv = argv[1], [argv[1], "--help"]
    if word in COMMANDS:
        return word, argv[1:]
    if mistyped := typing_slips.first_word(argv, COMMANDS):
        raise UsageError(mistyped)
    if sentence := typing_slips.command_after_options(_parser("compose"), argv, COMMANDS):
        raise UsageError(sentence)
    return "compose", argv


def _parser(command: str) -> Parser:
    subparsers = Parser(prog="klangbild").add_subparsers(dest="command", parser_class=Parser)
    import_module(f"klangbild.cli.{command}").register(subparsers)
    return subparsers.choices[command]


def _deepest(parser: Parser, words: list[str]) -> tuple[Parser, list[str]]:
    """The parser of the innermost command that the words begin with, and the words after it."""
    while words:
        actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        if not actions or words[0] not in actions[0].choices:
            break
        above, parser = parser, actions[0].choices[words[0]]
        told = {**above._defaults, actions[0].dest: words[0], **parser._defaults}
        own = {action.dest for action in parser._actions}
        parser.set_defaults(**{name: value for name, value in told.items() if name not in own})
        words = words[1:]
    return parser, words


def _parse(parser: Parser, words: list[str]) -> argparse.Namespace:
    """Options and files in any order. Raises UsageError for a slip of typing; SystemExit as argparse does."""
    from klangbild.cli import typing_slips

    words = typing_slips.mended(parser, words)
    inner = any(isinstance(action, argparse._SubParsersAction) for action in parser._actions)
    known = parser.parse_known_args if inner else parser.parse_known_intermixed_args
    arguments, left = known(words)
    if left and left[0].endswith(".toml") and "--config" in parser._option_string_actions:
        raise UsageError(f"'{left[0]}' needs its option; write --config {left[0]}")
    if left:
        raise UsageError(f"'{left[0]}' is one too many for '{parser.prog}'; leave it out")
    return arguments


def _trace(arguments: argparse.Namespace) -> None:
    """With -v, where the error came from."""
    if getattr(arguments, "verbose", 0):
        import traceback

        traceback.print_exc()


def _one_line(message: object) -> str:
    """Without line ends and other control characters, as somebody's file name may hold them."""
    return "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in str(message))


def _top_help() -> str:
    lines = ["klangbild: a picture goes in; music that fits it comes out, as notes (MIDI) and as sound.", ""]
    lines += ["usage: klangbild COMMAND ...   or   klangbild PICTURE ...", "", "commands:"]
    lines += [f"  {name:9} {help}" for name, help in COMMANDS.items()]
    return "\n".join(lines) + "\n\n" + _EXAMPLES


if __name__ == "__main__":
    run()
