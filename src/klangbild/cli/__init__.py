import sys


def _is_the_program() -> bool:
    """Whether klangbild's command line is what runs, and not a program that imports it."""
    name = sys.argv[0].replace("\\", "/").rpartition("/")[2] if sys.argv else ""
    given = sys.orig_argv
    modules = [given[i + 1] for i, one in enumerate(given[:-1]) if one == "-m"][:1]
    return name in ("klangbild", "klangbild.exe") or modules in (["klangbild"], ["klangbild.cli.main"])


def _end(number: int, _: object) -> None:
    import os

    os.write(2, b"Interrupted.\n")
    os._exit(128 + number)


if _is_the_program():
    # before all else, and without what `import signal` takes: a signal that comes this early ends the program without a word
    # of Python's; `interrupt.listen` is next
    import _signal

    for _number in (_signal.SIGINT, _signal.SIGTERM):
        _signal.signal(_number, _end)
