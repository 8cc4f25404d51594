"""Names of files: those of others as text that every file and screen can hold, ours as every file system takes them."""

from __future__ import annotations

import hashlib
import os
import re

MAX_BYTES = 238
"""Of one part of a name, so that `-2`, `-stems` and a suffix still fit into the 255 bytes that file systems allow."""
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$")
_NOT_ON_WINDOWS = re.compile(r'[<>:"|?*]')


def readable(name: str) -> str:
    """A name (or any text with names in it) as plain text.

    Bytes that are no UTF-8, which Python keeps as halves of surrogate pairs, are read as Windows-1252, in which most such names
    were written; control characters become "_".

    >>> readable("caf\\udce9"), readable("two\\nlines"), readable("Kl\\u00e4nge")
    ('café', 'two_lines', 'Klänge')
    """
    # where the system's own encoding is ASCII, all that lies beyond is kept that way, and still is UTF-8
    text = name.encode("utf-8", "surrogateescape" if _escaped(name) else "replace")
    try:
        found = text.decode("utf-8")
    except UnicodeDecodeError:
        found = "".join(_by_byte(one) for one in _split(text))
    return "".join(sign if sign.isprintable() or sign == " " else "_" for sign in found)


def as_file_name(stem: str, *, windows: bool = os.name == "nt") -> str:
    """A name for a file of ours, without suffix: readable, short enough, none that Windows keeps for itself.

    >>> as_file_name("CON", windows=True), as_file_name("what? ...", windows=True), as_file_name("what? ...", windows=False)
    ('_CON', 'what_', 'what? ...')
    """
    stem = readable(stem)
    if windows:
        stem = _NOT_ON_WINDOWS.sub("_", stem).rstrip(". ")
        stem = f"_{stem}" if _DEVICES.match(stem) else stem
    # as bytes: where the system's encoding is ASCII, Python keeps other letters as it found them
    return os.fsdecode(_short(stem).encode("utf-8")) if os.name == "posix" else _short(stem)


def _short(stem: str) -> str:
    """Cut to `MAX_BYTES` of UTF-8, with a mark by which two long names stay different. What stands last is kept: a seed."""
    octets = stem.encode("utf-8")
    if len(octets) <= MAX_BYTES:
        return stem
    mark = f"~{hashlib.sha256(octets).hexdigest()[:6]}~"
    end = octets[-24:].decode("utf-8", "ignore")
    begin = octets[: MAX_BYTES - len(mark) - len(end.encode())].decode("utf-8", "ignore")
    return begin + mark + end


def _escaped(name: str) -> bool:
    return all(0xDC80 <= ord(sign) <= 0xDCFF for sign in name if 0xD800 <= ord(sign) <= 0xDFFF)


def _split(text: bytes) -> list[bytes]:
    """Whole characters where there are some, else single bytes."""
    found, at = [], 0
    while at < len(text):
        for size in (1, 2, 3, 4):
            try:
                text[at : at + size].decode("utf-8")
            except UnicodeDecodeError:
                continue
            break
        else:
            size = 1
        found.append(text[at : at + size])
        at += size
    return found


def _by_byte(one: bytes) -> str:
    try:
        return one.decode("utf-8")
    except UnicodeDecodeError:
        return one.decode("cp1252", "replace")
