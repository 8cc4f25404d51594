"""Being asked to end: Ctrl-C, SIGTERM, a terminal that closes.

At any moment but within `softly`, a signal is a KeyboardInterrupt: what is being written is gone, what was written is whole.
Within `softly` the first one only asks (to keep a checkpoint, or the music that there is), the second one ends. Handlers are
the process's, so that only a program of ours calls `listen`; a library's caller keeps his own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

ENDED = "Interrupted; nothing half-written is left."
_ENDING_S = 1.5
_first: int | None = None
_listening = False


def listen() -> None:
    """From now on every signal that asks a program to end is a KeyboardInterrupt, and the end comes within two seconds."""
    global _listening
    if not _listening:
        _listening = True
        for number in _numbers():
            signal.signal(number, _end)
        sys.unraisablehook = _silent_at_the_end(sys.unraisablehook)


def nothing_is_left_to_do() -> None:
    """From now on a signal ends the process at once: everything is written, and what is torn down needs no care."""
    for number in _numbers():
        signal.signal(number, lambda n, _: os._exit(128 + n))


def exit_code(code: int) -> int:
    """`code`, or 128 and the signal's number once one came: 130 for Ctrl-C, 143 for SIGTERM."""
    return code if _first is None else 128 + _first


def was_asked() -> bool:
    """Whether a signal came since `listen`."""
    return _first is not None


class Stop:
    """Whether the process was asked to end, by calling it. While `at_once` is set, the first signal is a KeyboardInterrupt, too."""

    def __init__(self, told: str) -> None:
        self.at_once = False
        self._told, self._asked = told, False

    def __call__(self) -> bool:
        return self._asked

    def _ask(self, number: int, frame: Any) -> None:
        global _first
        if self._asked:
            _end(number, frame)
        self._asked = True
        if _listening:
            _first = _first or number
        if self.at_once:
            raise KeyboardInterrupt
        if self._told:
            # not by print: the signal may have come in the midst of one
            _tell(self._told)


@contextlib.contextmanager
def softly(told: str = "") -> Iterator[Stop]:
    """Within, the first signal only asks, the second one is a KeyboardInterrupt.

    told: a line for standard error when the first one comes. Outside the main thread nothing is ever asked.
    """
    stop = Stop(told)
    before = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, stop._ask)
    except ValueError:  # not in the main thread
        pass
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _numbers() -> list[int]:
    numbers: list[int] = [signal.SIGINT, signal.SIGTERM]
    hang_up = getattr(signal, "SIGHUP", None)
    if hang_up is not None and signal.getsignal(hang_up) is not signal.SIG_IGN:  # nohup ignores it
        numbers.append(hang_up)
    return numbers


def _end(number: int, frame: Any) -> None:
    global _first
    if _listening:
        _first = _first or number
        _watch()
    raise KeyboardInterrupt


def _watch() -> None:
    """An exception can be lost (in a callback from C, in a destructor) or be long in coming: then the process ends all the same."""
    import _thread

    code = exit_code(1)

    def end() -> None:
        time.sleep(_ENDING_S)
        from klangbild.whole_files import remove_parts

        remove_parts()
        _tell(ENDED)
        os._exit(code)

    # not threading.Thread: its lock may be what the signal came in the midst of
    with contextlib.suppress(RuntimeError):
        _thread.start_new_thread(end, ())


def _tell(line: str) -> None:
    with contextlib.suppress(OSError):
        os.write(2, f"{line}\n".encode())


def _silent_at_the_end(hook: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def silent(unraisable: Any) -> None:
        if not (was_asked() and isinstance(unraisable.exc_value, KeyboardInterrupt)):
            hook(unraisable)

    return silent
