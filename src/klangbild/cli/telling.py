"""What the command line says of the music it makes: paths or JSON on stdout, everything else on stderr."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from klangbild.record.facts import Record


class Teller:
    """What is said of the results: paths or JSON on stdout, the rest on stderr.

    seed: the one that was drawn for this call, told with the first piece (not ahead of an error); None: the caller's own.
    """

    def __init__(self, arguments: argparse.Namespace, seed: int | None = None) -> None:
        self.arguments, self.seed = arguments, seed
        self._told: set[str] = set()

    def tell(self, line: str, *, of: str | None = None) -> None:
        """A line on stderr, said once a call."""
        if line not in self._told and not self.arguments.quiet:
            print(line if of is None else f"{of}: {line}", file=sys.stderr)
        self._told.add(line)

    def fail(self, name: str | None, error: Exception) -> None:
        """The line of a picture that failed, with --json."""
        if self.arguments.json:
            print(json.dumps({"picture": name, "error": str(error)}, ensure_ascii=False), flush=True)

    def report(self, record: Record, paths: dict[str, Path], notes: Iterable[str] = ()) -> None:
        """Where the files of a piece are, and what its asker should know. notes: of its picture."""
        if self.seed is not None:
            self.tell(f"seed {self.seed}")
        for note in notes:
            self.tell(note, of=record.name)
        if self.arguments.json:
            values = {**record, "files": {name: str(path) for name, path in paths.items()}}
            print(json.dumps(values, ensure_ascii=False), flush=True)
        else:
            for path in paths.values():
                print(path, flush=True)
        for line in record.told:
            self.tell(line, of=record.name)
        if self.arguments.verbose:
            self._explain(record)

    def _explain(self, record: Record) -> None:
        asked = record.emotion.asked
        print(
            f"{record.name}: {asked.name} (valence {asked.valence:+.2f}, arousal {asked.arousal:+.2f})", file=sys.stderr
        )
        for reason in record.reasons:
            print(f"  {reason}", file=sys.stderr)
        heard = record.heard
        if heard is not None:
            point = heard.emotion
            drafts = f"; nearest of {heard.drafts} drafts" if heard.drafts > 1 else ""
            print(
                f"  {heard.words(asked)} (valence {point.valence:+.2f}, arousal {point.arousal:+.2f}{drafts})",
                file=sys.stderr,
            )
        print(f"  {record.music.words}", file=sys.stderr)
        print(
            "  " + ", ".join(f"{k} {v:.2f} s" for k, v in (record.run.timings_s if record.run else {}).items()),
            file=sys.stderr,
        )


class Bar:
    """A progress bar on a terminal; nothing elsewhere."""

    def __init__(self, name: str | None, arguments: argparse.Namespace) -> None:
        self.bar = None
        if sys.stderr.isatty() and not arguments.quiet:
            from tqdm import tqdm

            label = Path(name).stem[:24] if name else "words"
            self.bar = tqdm(total=100, desc=label, file=sys.stderr, leave=False, bar_format="{desc} {bar:30} {n:3.0f}%")

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.close()

    def update(self, done: float, total: float) -> bool:
        if self.bar:
            self.bar.n = 100.0 * done / max(total, 1e-9)
            self.bar.refresh()
        return True
