"""Files that are whole or not there, whatever happens: a full disk, a locked folder, Ctrl-C, `kill -9`.

Every result of klangbild is written through here. On Linux a file that is being written has no name at all and gets it
when it is whole, so that not even a killed process leaves anything. Elsewhere (and on file systems that cannot do this) it
has a hidden name, `.klangbild-*.part`, beside the one it will have; the next writer into the folder sweeps away what dead
ones left.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from klangbild.errors import OutputError

_PREFIX, _SUFFIX = ".klangbild-", ".part"
_ABANDONED_S = 86_400.0
_ours: set[Path] = set()
"""Hidden names that this process writes to now."""
_MISSING = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOSYS, errno.ENOENT}


def atomic_write(path: str | Path, data: bytes, *, durable: bool = False) -> Path:
    """Write `data` to `path`, replacing what was there; returns the path. durable: see `atomic_path`.

    Raises:
        OutputError: the folder is missing or not writable, the disk is full.
    """
    with atomic_path(path, durable=durable) as temporary:
        temporary.write_bytes(data)
    return Path(path)


def atomic_npz(path: str | Path, **arrays: Any) -> Path:
    """Arrays by name -> a compressed .npz, on the disk before it has its name; returns the path. Raises OutputError."""
    import numpy as np

    with atomic_path(path, durable=True) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
    return Path(path)


@contextlib.contextmanager
def atomic_path(path: str | Path, *, durable: bool = False, named: bool = False) -> Iterator[Path]:
    """A path to write to, inside this process only; what is there becomes `path` when the block ends well.

    On any exception, Ctrl-C included, nothing is left and `path` is as it was. An OSError becomes one clear line. The path
    given has no suffix to go by. durable: on the disk before it has its name, so that a power loss leaves no empty file.
    named: for writers that do their own renaming, a hidden name even where a nameless file could be had.

    Raises:
        OutputError: the folder is missing or not writable, the disk is full.
    """
    path = Path(path)
    part = None
    try:
        descriptor = None if named else _unnamed(path.parent)
        part = part_name(path.parent)
        # through /proc the nameless file can be opened like any other
        temporary = part if descriptor is None else Path(f"/proc/self/fd/{descriptor}")
        try:
            yield temporary
            if durable:
                _flush(temporary)
            if descriptor is not None:
                _give_name(temporary, path, part)
            else:
                part.replace(path)
        finally:
            if descriptor is not None:
                os.close(descriptor)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        if part is not None:
            _remove(part)


@contextlib.contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """An empty folder to fill; it becomes `path`, which must not exist, when the block ends well, else it is gone.

    Raises:
        OutputError: it cannot be written, or something is there already.
    """
    path = Path(path)
    part = part_name(path.parent)
    try:
        sweep(path.parent)
        part.mkdir()
        yield part
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        part.rename(path)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        _remove(part)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are not there. Raises OutputError: it cannot be made."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot make this folder ({error.strerror}); choose another with -o") from None


def part_name(folder: Path) -> Path:
    """A hidden name that no other run takes, of one length however long the final one is; it tells who writes there."""
    name = folder / f"{_PREFIX}{_host()}-{os.getpid()}-{secrets.token_hex(4)}{_SUFFIX}"
    _ours.add(name)
    return name


def remove_parts() -> None:
    """Remove all that this process has under a hidden name: for an end that unwinds nothing."""
    for path in list(_ours):
        _remove(path)


def _remove(path: Path) -> None:
    # where even the removal fails (folder gone), the first error is the one to tell
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    _ours.discard(path)


def sweep(folder: Path) -> None:
    """Remove what writers left in `folder` that were killed: of a dead process of this machine, or older than a day."""
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(folder)):
            if entry.name.startswith(_PREFIX) and entry.name.endswith(_SUFFIX) and _is_abandoned(entry):
                _remove(Path(entry.path))


def _is_abandoned(entry: os.DirEntry) -> bool:
    if time.time() - entry.stat(follow_symlinks=False).st_mtime > _ABANDONED_S:
        return True
    host, _, rest = entry.name[len(_PREFIX) : -len(_SUFFIX)].partition("-")
    number = rest.partition("-")[0]
    # on Windows os.kill(pid, 0) would end the process that it asks for
    if os.name != "posix" or host != _host() or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass
    return False


def _host() -> str:
    """This machine (and container) in eight letters: process numbers mean nothing elsewhere."""
    import platform

    return f"{zlib.crc32(os.fsencode(platform.node())):08x}"


def _unnamed(folder: Path) -> int | None:
    """A descriptor of a new file without a name in `folder`; None where the system or the file system has no such thing."""
    if not hasattr(os, "O_TMPFILE") or not os.path.isdir("/proc/self/fd"):  # noqa: PTH112 - a plain question
        sweep(folder)
        return None
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno not in _MISSING or not folder.is_dir():
            raise
    sweep(folder)
    return None


def _give_name(unnamed: Path, path: Path, part: Path) -> None:
    """Link a nameless file as `path`; where something is there, by way of a rename, which replaces in one step."""
    # with a folder given, Python asks for the link's target instead of the link in /proc
    where = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            os.link(unnamed, path, src_dir_fd=where, follow_symlinks=True)
        except FileExistsError:
            os.link(unnamed, part, src_dir_fd=where, follow_symlinks=True)
            part.replace(path)
    finally:
        os.close(where)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def give_plain_mode(path: Path) -> None:
    """The permissions that a new file or folder has by the umask: libraries that write by a temporary file leave 0600."""
    umask = os.umask(0)
    os.umask(umask)
    path.chmod((0o777 if path.is_dir() else 0o666) & ~umask)


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
