"""Files that are whole or not there: written under a temporary name in the same folder, then renamed.

Every result of klangbild is written through here, so that a full disk, a locked folder or Ctrl-C leaves no half file.
"""

from __future__ import annotations

import contextlib
import errno
import secrets
from collections.abc import Iterator
from pathlib import Path

from klangbild.errors import OutputError


def atomic_write(path: str | Path, data: bytes) -> Path:
    """Write `data` to `path`, replacing what was there; returns the path.

    Raises:
        OutputError: the folder is missing or not writable, the disk is full.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
    return Path(path)


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, with its suffix, to write to; it becomes `path` when the block ends well.

    On any exception, Ctrl-C included, the temporary file is removed and `path` is as it was. An OSError becomes one clear line.

    Raises:
        OutputError: the folder is missing or not writable, the disk is full.
    """
    path = Path(path)
    # a hidden, unguessable name: two runs may write the same result at once
    temporary = path.with_name(f".{path.stem[:80]}-{secrets.token_hex(4)}.part{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        # where even the removal fails (folder gone), the first error is the one to tell
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def output_error(path: Path, error: OSError) -> OutputError:
    """The one line to show for an OSError met while writing `path`."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
        return OutputError(f"{path}: the disk is full; free some space or give another folder with -o")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OutputError(f"{path}: cannot be written (no permission); give a folder of yours with -o")
    if error.errno == errno.ENOENT:
        return OutputError(
            f"{path}: cannot be written (there is no folder {path.parent}); make it or give another with -o"
        )
    if error.errno == errno.EISDIR or path.is_dir():
        return OutputError(f"{path}: is a folder; give the name of a file")
    return OutputError(f"{path}: cannot be written ({error.strerror or error}); give another place with -o")
