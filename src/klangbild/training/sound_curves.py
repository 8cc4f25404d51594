"""Curves of a sound training run as PNG: losses over steps, and gates over steps for MeLFusion."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from klangbild.training.curves import read_log


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
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.0, 4.2), dpi=110)
    for name in names:
        known = np.isfinite(columns[name])
        axes.plot(columns["step"][known], columns[name][known], marker="o", markersize=2.5, linewidth=0.9, label=name)
    axes.set(xlabel="step", ylabel=ylabel)
    axes.grid(alpha=0.3)
    if names:
        axes.legend(fontsize=7)
    figure.tight_layout()
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, metadata={"Software": None})
    pyplot.close(figure)
