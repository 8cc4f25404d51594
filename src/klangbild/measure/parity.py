"""`klangbild measure parity DIR`: recorded data of a published system against our code: are the numbers the same?

A recorded folder holds a `parity.json` with its `kind` and its tolerances. Each kind has a module of its own, which `models/registry.py`
names, with one function `compare(folder: Path, spec: dict) -> Iterator[Comparison]`.
"""

from __future__ import annotations

import importlib
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from klangbild.errors import EXIT_FAILED, EXIT_OK, InputError, NotAvailableError
from klangbild.metrics.parity import Comparison
from klangbild.models.registry import PARITY

SPEC_FILE = "parity.json"
# what missing keys, cut-off archives and arrays of other shapes raise on their way through a kind's module
_UNUSABLE = (OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError, zipfile.BadZipFile)


def read_spec(folder: Path) -> dict:
    """The parsed `parity.json` of a recorded folder.

    Raises:
        InputError: it is missing, not JSON, or names no kind.
    """
    path = folder / SPEC_FILE
    try:
        spec = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise InputError(f"{path}: cannot be read; give a recorded folder, which has a {SPEC_FILE}") from None
    except ValueError as error:
        raise InputError(f"{path}: is not JSON ({error}); record the folder again") from None
    if not isinstance(spec, dict) or not isinstance(spec.get("kind"), str):
        raise InputError(f'{path}: names no "kind"; it must say which of {", ".join(PARITY)} it holds')
    return spec


def compare_folder(folder: Path) -> Iterator[Comparison]:
    """Every comparison of a recorded folder, in the order in which its kind's module makes them.

    Raises:
        InputError: the folder, its `parity.json` or a recorded file is missing or damaged, or the kind is unknown.
        NotAvailableError: a library that this kind needs (torch, diffusers, ...) is not installed.
    """
    spec = read_spec(folder)
    try:
        yield from _compare_of(spec["kind"], folder)(folder, spec)
    except _UNUSABLE as error:
        # every kind reads many files; one message serves them all, and the chain keeps the place
        raise InputError(f"{folder}: the recorded data cannot be used ({error!r}); record the folder again") from error


def recorded_folders(folder: Path) -> list[Path]:
    """`folder` itself if it has a `parity.json`, else its direct subfolders that have one (sorted)."""
    if (folder / SPEC_FILE).is_file() or not folder.is_dir():
        return [folder]
    return sorted(path.parent for path in folder.glob(f"*/{SPEC_FILE}")) or [folder]


def run_parity(folder: Path, *, write: Callable[[str], None] = print) -> int:
    """Compare, write one line per array and `N of N within tolerance`; the exit code: 0 if all are within, else 1."""
    folders = recorded_folders(folder)
    n_all = n_within = 0
    for recorded in folders:
        prefix = f"{recorded.name}/" if len(folders) > 1 else ""
        for comparison in compare_folder(recorded):
            n_all += 1
            n_within += comparison.within
            mark = "ok  " if comparison.within else "FAIL"
            write(
                f"{mark} {prefix}{comparison.name}: error {comparison.error:.3g}, tolerance {comparison.tolerance:.3g}"
            )
    write(f"{n_within} of {n_all} within tolerance")
    return EXIT_OK if n_all and n_within == n_all else EXIT_FAILED


def _compare_of(kind: str, folder: Path) -> Callable[[Path, dict], Iterator[Comparison]]:
    if kind not in PARITY:
        raise InputError(f'{folder / SPEC_FILE}: the kind "{kind}" is not known; known are {", ".join(PARITY)}')
    try:
        return importlib.import_module(PARITY[kind]).compare
    except ModuleNotFoundError as error:
        raise NotAvailableError(
            f'"{kind}" needs {error.name}, which is not installed; run: pip install "klangbild[train,diffusion]"'
        ) from error
