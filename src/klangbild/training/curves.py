"""Learning curves: the CSV log of a run as a PNG: losses against ids or steps, and how far gates opened."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from klangbild.errors import InputError


def read_log(path: Path) -> dict[str, np.ndarray]:
    """The log's columns, by name; NaN where a cell is empty. Raises InputError: missing or empty."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such log; train first") from None
    if not rows:
        raise InputError(f"{path}: the log is empty; train for longer")
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}


def draw_curves(logs: dict[str, Path], out: Path, *, unit: str = "nats per id") -> None:
    """One line for each named run, against millions of ids seen: training loss thin, held-out loss with dots."""
    lows = []
    with _figure(out) as axes:
        for number, (name, path) in enumerate(logs.items()):
            log = read_log(path)
            seen, colour = log["ids"] / 1e6, f"C{number}"
            axes.plot(seen, log["loss"], color=colour, alpha=0.35, linewidth=0.8)
            measured = np.isfinite(log["heldout"])
            axes.plot(seen[measured], log["heldout"][measured], color=colour, marker="o", markersize=3, label=name)
            lows.append(min(np.nanmin(log["loss"]), np.min(log["heldout"][measured], initial=np.inf)))
        axes.set(xlabel="ids seen (millions)", ylabel=unit, ylim=(min(lows) - 0.1, min(lows) + 2.5))
        axes.legend(title="line with dots: held out, averaged weights")


def draw_losses(log: Path, out: Path) -> None:
    """Training loss and every column that ends in `_loss` or begins with `heldout`, against steps."""
    columns = read_log(log)
    measured = [name for name in columns if name.endswith("_loss") or name.startswith("heldout")]
    _draw(columns, ["loss", *measured], out, ylabel="loss")


def draw_gates(log: Path, out: Path) -> None:
    """Every column `gate ...` against steps: how far each level opened to the picture."""
    columns = read_log(log)
    _draw(columns, [name for name in columns if name.startswith("gate ")], out, ylabel="gate")


def _draw(columns: dict[str, np.ndarray], names: list[str], out: Path, *, ylabel: str) -> None:
    """Columns (rows,) against "step" as lines."""
    with _figure(out) as axes:
        for name in names:
            known = np.isfinite(columns[name])
            step, value = columns["step"][known], columns[name][known]
            axes.plot(step, value, marker="o", markersize=2.5, linewidth=0.9, label=name)
        axes.set(xlabel="step", ylabel=ylabel)
        if names:
            axes.legend(fontsize=7)


@contextmanager
def _figure(out: Path) -> Iterator[Any]:
    """Axes with a grid to draw on inside; written as `out` at the end."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.0, 4.2), dpi=110)
    try:
        yield axes
        axes.grid(alpha=0.3)
        figure.tight_layout()
        out.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(out, metadata={"Software": None})
    finally:
        pyplot.close(figure)
