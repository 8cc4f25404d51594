"""The process around a command: its streams carry any name and may be closed or full, little memory is one line.

stdout that nobody reads (`| head -1`) ends the command in silence, with exit code 1; a full one is told. What cannot be
written to stderr is left out: results matter more. Characters that a stream's encoding lacks, and the bytes of file names that
are no text, come out as `\\uXXXX`, which is right inside JSON, too.
"""

from __future__ import annotations

import atexit
import codecs
import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

from klangbild import interrupt
from klangbild.errors import EXIT_FAILED, KlangbildError

_ESCAPE = "klangbild-escape"
_MIN_KIB = 500_000
_MEMORY = ("bad_alloc", "start new thread", "cannot allocate", "can't allocate", "failed to map", "out of memory")
NO_MEMORY = "there is too little memory for this; free some, or ask for less (a smaller picture, a shorter piece)"


def run(main: Callable[[list[str]], int]) -> NoReturn:
    """Run a command line as the whole process: its signals, its streams, its exit code."""
    try:
        try:
            interrupt.listen()
            _open_closed_streams()
            _make_streams_safe()
            code = main(sys.argv[1:])
            sys.stdout.flush()
        except BaseException as error:  # noqa: BLE001 - what is told of it depends on what came before
            code = _told(error)
        interrupt.nothing_is_left_to_do()
    except KeyboardInterrupt:  # while the end was being told
        os._exit(interrupt.exit_code(EXIT_FAILED))
    try:
        sys.stdout.flush()
    except (OSError, Unwritable):  # told already; what is still in the buffer goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if interrupt.was_asked():
        # not by SystemExit: an exception once seen by code that C runs makes Python end by the signal, whatever our code is
        with contextlib.suppress(BaseException):
            atexit._run_exitfuncs()
        sys.stderr.flush()
        os._exit(interrupt.exit_code(code))
    raise SystemExit(code)


class Unwritable(Exception):
    """Standard output takes nothing more, though somebody wants to read it: a full disk."""


def check_memory() -> None:
    """Refuse what a limit on memory (`ulimit -v`) cannot hold: libraries of C wait for ever for memory that they are not given.

    Raises:
        KlangbildError: the process may have less than numpy, scipy and onnxruntime take.
    """
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return
    allowed = resource.getrlimit(resource.RLIMIT_AS)[0]
    if allowed != resource.RLIM_INFINITY and allowed < _MIN_KIB * 1024:
        raise KlangbildError(
            f"there is too little memory for this (ulimit -v {allowed // 1024}); allow {_MIN_KIB} or more"
        )


def is_of_memory(error: BaseException | None) -> bool:
    """Whether an exception, or one that it came of, means that memory (or room for a thread) was not to be had."""
    while error is not None:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
            return True
        words = str(error).lower()
        if not isinstance(error, KlangbildError) and any(word in words for word in _MEMORY):
            return True
        error = error.__cause__ or error.__context__
    return False


def _told(error: BaseException) -> int:
    """Say in one line what ended the command; gives the exit code. What is none of the known is raised: a bug."""
    if interrupt.was_asked():
        return _say(interrupt.ENDED)
    if isinstance(error, BrokenPipeError):
        return EXIT_FAILED
    if isinstance(error, Unwritable):
        return _say(f"Error: standard output cannot be written ({error}); results on the disk are whole")
    if is_of_memory(error):
        return _say(f"Error: {NO_MEMORY}")
    raise error


def _say(line: str) -> int:
    print(line, file=sys.stderr)
    return EXIT_FAILED


def _open_closed_streams() -> None:
    """Closed ones (`>&-`) lead nowhere: else the first file that is opened would get their number, and their text."""
    for number, mode, name in ((0, "r", "stdin"), (1, "w", "stdout"), (2, "w", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - a descriptor


def _make_streams_safe() -> None:
    codecs.register_error(_ESCAPE, _escaped)
    for name, kind in (("stdout", _Out), ("stderr", _Err)):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper) and hasattr(stream, "buffer"):
            encoding, by_line = stream.encoding, stream.line_buffering
            safe = kind(stream.detach(), encoding=encoding, errors=_ESCAPE, line_buffering=by_line)
            setattr(sys, name, safe)
            setattr(sys, f"__{name}__", safe)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i] << 8 | units[i + 1]:04x}" for i in range(0, len(units), 2)), error.end


class _Out(io.TextIOWrapper):
    """Standard output whose failing is told from that of other files."""

    def write(self, text: str) -> int:
        with _telling():
            return super().write(text)

    def flush(self) -> None:
        with _telling():
            super().flush()


class _Err(io.TextIOWrapper):
    """Standard error that is silent where it cannot be written."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            super().flush()


@contextlib.contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Unwritable(error.strerror or str(error)) from None
