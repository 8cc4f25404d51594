"""One training run: step, write a row of the log, measure what was held out, keep a checkpoint, end in time.

What is learnt, from what and by which loss is the `Trainer`'s; this is all that the trainers have in common, of notes, sound and
pictures, ours and published. A run lives in a folder: `last.pt`, from which it goes on, and `log.csv`. Minutes are those of the
whole run, over all resumptions.
"""

from __future__ import annotations

import csv
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from klangbild.errors import UsageError
from klangbild.interrupt import softly
from klangbild.training.checkpoint import save_checkpoint
from klangbild.whole_files import atomic_path

CHECKPOINT, LOG = "last.pt", "log.csv"
ENDING = "Ending; a checkpoint is being written. Ctrl-C again ends without it."
DECAYED, DECAY_LOG = "decayed.pt", "log-decay.csv"
"""Of a branch whose rate falls to zero, beside the run that it branched off."""


@dataclass(frozen=True)
class LogContext:
    """What a row of the log is written from.

    progress: 0..1, how much of the run is over. factor: the rate's, now. loss: mean since the last row, NaN if there
    was no step. measuring: whether held-out data are due. s_per_step: since the last row.
    """

    progress: float
    factor: float
    loss: float
    measuring: bool
    s_per_step: float


class Trainer(Protocol):
    """What a run needs of a trainer. step, minutes: taken and spent so far; columns: of the log."""

    step: int
    minutes: float
    columns: tuple[str, ...]

    def rate(self, fallen: float) -> float:
        """Factor of the learning rate at `step`. fallen: 0..1, how much of the rate's way down is over."""
        ...

    def train_step(self, factor: float) -> float | Tensor:
        """One step at a factor of the learning rate; its loss, a scalar, which may still be on the device. Counts
        `step` up."""
        ...

    def row(self, now: LogContext) -> Sequence[Any]:
        """The cells of `columns`."""
        ...

    def state(self) -> dict[str, Any]:
        """All that a checkpoint holds."""
        ...


@dataclass(frozen=True)
class Schedule:
    """How often: a row of the log and a look at held-out data (which is a row, too) in steps, a checkpoint in minutes, in steps, or
    both. 0 steps: at the end only. from_start: the first row comes before the first step."""

    log_steps: int
    heldout_steps: int
    checkpoint_minutes: float = math.inf
    from_start: bool = False
    checkpoint_steps: int = 0


def checkpoint_of(run: Path, *, resume: bool) -> Path:
    """Where a run's checkpoint is, or will be. Raises UsageError: there is one, and the run is not to go on."""
    target = run / CHECKPOINT
    if target.exists() and not resume:
        raise UsageError(f"{target}: a run is already there; add --resume, or name another folder with --run")
    return target


def share_of(trainer: Trainer, *, steps: int, minutes: float | None) -> Callable[[], float]:
    """How much of a run of so many minutes, else steps, is over: 1 and more when it is done."""
    return lambda: trainer.minutes / minutes if minutes else trainer.step / steps


def share_of_call(trainer: Trainer, *, minutes: float | None, steps: int | None) -> Callable[[], float]:
    """How much of so many minutes or steps from now on is over, whichever is further; 0 for ever if neither is given."""
    first, begun = trainer.step, trainer.minutes

    def share() -> float:
        parts = ((trainer.minutes - begun, minutes), (trainer.step - first, steps))
        return max((done / most if most else 1.0 for done, most in parts if most is not None), default=0.0)

    return share


def half_cosine(fallen: float, *, lowest: float) -> float:
    """1 falling to `lowest` along half a cosine.

    >>> half_cosine(0.0, lowest=0.01), round(half_cosine(0.5, lowest=0.0), 3), round(half_cosine(2.0, lowest=0.01), 3)
    (1.0, 0.5, 0.01)
    """
    return lowest + (1 - lowest) * 0.5 * (1 + math.cos(math.pi * min(fallen, 1.0)))


def warm(step: int, steps: int) -> float:
    """How far the first `steps` steps have warmed the rate up, to 1: a line.

    >>> warm(0, 4), warm(3, 4), warm(9, 4), warm(0, 0)
    (0.25, 1.0, 1.0, 1.0)
    """
    return min(1.0, (step + 1) / max(steps, 1))


def due(step: int, every: int) -> bool:
    """Whether what happens every so many steps happens after this one; 0 is never.

    >>> due(6, 3), due(7, 3), due(6, 0)
    (True, False, False)
    """
    return every > 0 and step % every == 0


def train_until_over(
    trainer: Trainer,
    target: Path,
    often: Schedule,
    *,
    over: Callable[[], float],
    fallen: Callable[[], float] | None = None,
    stopped: Callable[[], bool] = lambda: False,
    log: Path | None = None,
    new_log: bool = False,
    kept: Callable[[], None] = lambda: None,
    after_step: Callable[[bool], None] = lambda whole: None,
    writes: bool = True,
    agreed: Callable[[bool], bool] = bool,
) -> bool:
    """Train. Ctrl-C or SIGTERM ends it after a step and with a checkpoint; a second one at once. Gives whether it was ended.

    Args:
        trainer: what is trained.
        target: the checkpoint's file.
        often: when to log, to measure and to keep.
        over: how much of the run is over; 1 or more ends it.
        fallen: how much of the rate's way down is over; without it the same.
        stopped: true ends the run, as a signal does, without a last measurement.
        log: the log's file; without it `log.csv` beside the checkpoint. Rows of steps after the checkpoint that a run goes on
            from are taken out of it: they come again.
        new_log: begin the log anew even if there is one.
        kept: called after every checkpoint.
        after_step: called after every step, its row and its checkpoint; told whether it was the last of a run that is whole.
        writes: false in all but one of several processes that train together: no row, no checkpoint, no word.
        agreed: of several processes, whether any of them is to end; given whether this one is.
    """
    log = log or target.with_name(LOG)
    width = _take_up_log(log, trainer.columns, since=None if new_log else trainer.step) if writes else 0
    begun, before = time.monotonic(), trainer.minutes
    saved = tick = begun
    losses: list[float | Tensor] = []
    taken = False
    name = log if writes else os.devnull
    with softly(ENDING) as asked, open(name, "a", newline="", buffering=1, encoding="utf-8") as file:  # noqa: PTH123
        writer = csv.writer(file, lineterminator="\n")
        while True:
            trainer.minutes = before + (time.monotonic() - begun) / 60
            progress, halted = over(), agreed(asked() or stopped())
            done = halted or progress >= 1
            held = due(trainer.step, often.heldout_steps)
            if writes and (losses or often.from_start) and (done or held or due(trainer.step, often.log_steps)):
                loss = sum(map(float, losses)) / len(losses) if losses else math.nan
                pace = (time.monotonic() - tick) / max(len(losses), 1)
                rate = trainer.rate((fallen or over)())
                row = trainer.row(LogContext(min(progress, 1.0), rate, loss, not halted and (done or held), pace))
                writer.writerow([*row, *[""] * (width - len(row))])
                cells = [(name, value) for name, value in zip(trainer.columns, row, strict=True) if value != ""]
                told = (
                    f"{name} {value:.6g}" if isinstance(value, float) else f"{name} {value}" for name, value in cells
                )
                print("  ".join(told), file=sys.stderr, flush=True)
                losses, tick = [], time.monotonic()
            late = time.monotonic() - saved > 60 * often.checkpoint_minutes
            if writes and (done or late or (taken and due(trainer.step, often.checkpoint_steps))):
                save_checkpoint(target, trainer.state())
                kept()
                saved = time.monotonic()
            if taken:
                after_step(done and not halted)
            if done:
                return halted
            losses.append(trainer.train_step(trainer.rate((fallen or over)())))
            taken = True


def _take_up_log(log: Path, columns: Sequence[str], *, since: int | None) -> int:
    """Make the log, or take one up that a run of `since` steps goes on with (None: begin anew). Gives how many columns it has.

    Rows of later steps are left out, and so is half a row. Columns that are new come into the old rows empty, and what
    only the old rows have comes last.
    """
    rows: list[dict[str, str]] = []
    if since is not None and log.exists():
        with log.open(newline="", encoding="utf-8", errors="replace") as file:
            rows = [
                row for row in csv.DictReader(file) if (row.get("step") or "").isdigit() and int(row["step"]) <= since
            ]
    names = [*columns, *(name for name in (rows[0] if rows else ()) if name and name not in columns)]
    log.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(log) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return len(names)
