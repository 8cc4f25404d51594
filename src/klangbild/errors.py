"""Errors a person can act on, each with the exit code that the command line ends with.

A `KlangbildError` is one line in three parts: what is wrong, in which file or option, what to do. The command line prints
it as `Error: ...` and never shows a traceback for it. Anything else that escapes is a bug.
"""

from __future__ import annotations

import re

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_SOME_FAILED = 3
EXIT_NOT_AVAILABLE = 4
EXIT_INTERRUPTED = 130


_LINE_BREAKERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class KlangbildError(Exception):
    """Something a person can mend. `str(error)` is the one line to show, whatever line breaks a name in it may hold.

    details: what the caller may go on with, such as what existed when it was stopped; they stand in `args` behind the line.
    """

    exit_code = EXIT_FAILED

    def __init__(self, message: str = "", *details: object) -> None:
        super().__init__(_LINE_BREAKERS.sub(" ", str(message)), *details)

    def __str__(self) -> str:
        return self.args[0]


class InputError(KlangbildError):
    """A file that was given cannot be used: missing, damaged, of another kind, too large."""


class UsageError(KlangbildError):
    """A wish that cannot be granted: out of range, unknown name, contradiction. Raised before any work."""

    exit_code = EXIT_USAGE


class NotAvailableError(KlangbildError):
    """A model, a file or an optional library is not on this machine (and we are offline, or were not asked to fetch)."""

    exit_code = EXIT_NOT_AVAILABLE


class OutputError(KlangbildError):
    """A result cannot be written: disk full, folder not writable."""


def no_such_file(path: object, what: str = "file", otherwise: str = "check the path") -> InputError:
    """The error for a path where nothing is; an address of the web gets the next step, since nothing is fetched."""
    label = str(path)
    if address := re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/{1,2}(?=[^/\\])|(file|data):", label):
        scheme = (address[1] or address[2]).lower()
        if scheme == "file":
            return InputError(f"{label}: is an address; give the file's path alone, without 'file:'")
        if address[1]:  # a Path has lost one of the two slashes
            label = re.sub(r":/+", "://", label, count=1)
        return InputError(
            f"{label}: is an address, and nothing is fetched; download the {what} first, then give its file"
        )
    return InputError(f"{label}: there is no such {what}; {otherwise}")


class Stopped(KlangbildError):
    """The caller asked to stop (Ctrl-C, or `on_progress` returned False) before anything worth keeping existed."""

    exit_code = EXIT_INTERRUPTED
