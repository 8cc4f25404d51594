"""What a measuring command found: sets by scores, printed as a table or as JSON, saved for reports and model cards.

JSON: {"measure": kind, "klangbild": version, "command": ..., "seed": n, "notes": [sentences that belong beside the numbers],
"sets": {name: {score: {"value", "low", "high", "n", "missing"?}}}, "details": {...}}. NaN is null.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from klangbild.errors import InputError, UsageError
from klangbild.metrics.intervals import Estimate
from klangbild.whole_files import atomic_write

T = TypeVar("T")


@dataclass
class Results:
    """sets: name -> score -> Estimate. notes: what must be read beside the numbers, such as the judge's own accuracy."""

    measure: str
    sets: dict[str, dict[str, Estimate]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    seed: int = 0

    def as_dict(self) -> dict[str, Any]:
        from klangbild import __version__

        return {
            "measure": self.measure, "klangbild": __version__, "command": command_line(), "seed": self.seed,
            "notes": self.notes,
            "sets": {name: {k: v.as_dict() for k, v in scores.items()} for name, scores in self.sets.items()},
            "details": self.details,
        }  # fmt: skip

    def json(self) -> str:
        return json.dumps(self.as_dict(), indent=1, default=float)

    def table(self) -> str:
        """Scores down, sets across, plain text; the notes below."""
        names = list(dict.fromkeys(score for scores in self.sets.values() for score in scores))
        head = ["", *self.sets]
        rows = [[name, *(str(s[name]) if name in s else "-" for s in self.sets.values())] for name in names]
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        lines = ["  ".join(f"{cell:<{w}}" if i == 0 else f"{cell:>{w}}" for i, (cell, w) in enumerate(zip(row, widths, strict=True)))
                 for row in [head, *rows]]  # fmt: skip
        return "\n".join([line.rstrip() for line in lines] + [f"  {note}" for note in self.notes])

    def save(self, path: Path) -> None:
        """Raises OutputError: the folder is missing or not writable."""
        atomic_write(path, (self.json() + "\n").encode())

    @staticmethod
    def load(path: Path) -> Results:
        """Raises InputError: missing, or not results of ours."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            sets = {name: {k: _estimate(v) for k, v in scores.items()} for name, scores in raw["sets"].items()}
            return Results(raw["measure"], sets, list(raw["notes"]), raw["details"], raw["seed"])
        except FileNotFoundError:
            raise InputError(
                f"{path}: there are no such results; make them with 'klangbild measure ... -o FILE.json'"
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: is not a file of 'klangbild measure' ({error})") from None


def _estimate(raw: Mapping[str, Any]) -> Estimate:
    numbers = [np.nan if raw[k] is None else float(raw[k]) for k in ("value", "low", "high")]
    return Estimate(*numbers, int(raw["n"]), int(raw.get("missing", 0)))


def command_line() -> str:
    """How this process was called; of whole paths only the last part, which means something elsewhere too."""
    words = [Path(word).name if Path(word).is_absolute() else word for word in sys.argv[1:]]
    return " ".join(["klangbild", *words])


def set_names(folders: Sequence[Path]) -> list[str]:
    """What each folder is called in the results: its name, with as many parents as it takes to tell equal names apart.

    Raises:
        UsageError: a folder is given twice.

    >>> set_names([Path("a/out"), Path("b/out"), Path("real")])
    ['a/out', 'b/out', 'real']
    """
    whole = [folder.resolve().parts for folder in folders]
    if len(set(whole)) < len(whole):
        raise UsageError("one folder is given twice; name each once")
    names = []
    for own in whole:
        deep = 1
        while deep < len(own) and sum(other[-deep:] == own[-deep:] for other in whole) > 1:
            deep += 1
        names.append("/".join(own[-deep:]))
    return names


def progress(items: Iterable[T], *, total: int | None = None, text: str = "") -> Iterable[T]:
    """`items` with a bar on a terminal, silent elsewhere."""
    from tqdm import tqdm

    return tqdm(items, total=total, desc=text, disable=not sys.stderr.isatty(), leave=False, file=sys.stderr)


def passed_over(error: object) -> None:
    """Tell of a file that is left out of what is measured."""
    print(f"passed over: {error}", file=sys.stderr)


def add_output(parser: argparse.ArgumentParser) -> None:
    """--json and -o for every kind of measure that gives `Results`."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE.json", help="save the results, for report and card")


def give(results: Results, args: argparse.Namespace) -> int:
    """Print and save as the options say."""
    if args.out:
        results.save(args.out)
    print(results.json() if args.json else results.table())
    return 0
