"""Files that are given to be read: ordinary ones, opened, or refused in one line that says what they are."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from klangbild.errors import InputError, no_such_file


def open_input(path: str | Path) -> BinaryIO:
    """A file, opened to read its bytes. Only ordinary ones: a pipe could keep us waiting for ever.

    Raises:
        InputError: nothing is there, a link leads nowhere or round, it is a folder, a pipe or a device, or may not be read.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - Path adds nothing
        if stat.S_ISDIR(mode):
            raise InputError(f"{path}: is a folder; give a file in it")
        if not stat.S_ISREG(mode):
            raise InputError(f"{path}: is a pipe or a device, not an ordinary file; save it to a file first")
        return Path(path).open("rb")
    except (FileNotFoundError, NotADirectoryError):
        if os.path.islink(path):  # noqa: PTH114 - never raises
            raise InputError(f"{path}: is a link to something that is not there; check where it leads") from None
        raise no_such_file(path) from None
    except PermissionError:
        raise InputError(f"{path}: may not be read; check its permissions") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InputError(f"{path}: is a link that leads to itself; give the file it was meant for") from None
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check the path") from None
    except ValueError:
        raise InputError(f"{str(path)!r}: is no name of a file; check the path") from None
