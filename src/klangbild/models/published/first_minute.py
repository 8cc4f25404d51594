"""What is said while a published model loads and takes its first step: what it is made of, and how long the rest will take."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import nn

from klangbild.models.published.placement import Placement

OnPace = Callable[[str, float, int], None]
"""Called once, after the first of several equal steps: (what a step is, its seconds, how many there are)."""
_MEMORY = Path("/proc/meminfo")


def say(line: str) -> None:
    """A line to whoever waits."""
    print(line, file=sys.stderr, flush=True)


def loaded(networks: Mapping[str, nn.Module], placement: Placement, seconds: float) -> str:
    """What was loaded, largest first, in a line. networks: by what they are called."""
    sizes = {name: sum(weight.numel() for weight in network.parameters()) for name, network in networks.items()}
    held = sum(w.numel() * w.element_size() for network in networks.values() for w in network.parameters())
    told = ", ".join(f"{name} {n / 1e6:.1f}" for name, n in sorted(sizes.items(), key=lambda item: -item[1]) if n)
    precision = str(placement.dtype).removeprefix("torch.")
    return (
        f"loaded in {seconds:.1f} s: {sum(sizes.values()) / 1e6:.1f} million weights ({told}), {held / 1e9:.1f} GB, "
        f"{precision} on {placement.device}"
    )


def too_large(folders: list[Path], placement: Placement) -> str | None:
    """A line where the weights of these folders need more memory than is free; None: they fit, or it is not known."""
    free = free_memory()
    if free is None or placement.device.type != "cpu":
        return None
    kept = {torch.float32: 1.0}.get(placement.dtype, 0.5)  # published weights are float32
    needed = kept * sum(_bytes_of(folder) for folder in folders)
    if needed < free:
        return None
    less = "" if kept < 1 else "; --precision bfloat16 takes half"
    return f"its weights need {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB of memory are free{less}"


def free_memory() -> int | None:
    """Bytes that programs can still take; None where the system does not tell."""
    try:
        lines = dict(line.split(":", 1) for line in _MEMORY.read_text(encoding="ascii").splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, KeyError, IndexError):
        return None


def pace(what: str, seconds: float, n: int) -> str:
    """How long a step takes, and all of them."""
    return f"a {what} takes {_duration(seconds)}; {n} take about {_duration(n * seconds)}"


def tell_pace(what: str, seconds: float, n: int) -> None:
    """`pace`, said."""
    say(pace(what, seconds, n))


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _bytes_of(folder: Path) -> int:
    """Bytes of a folder's weights, each network once: safetensors where there are both."""
    total = 0
    for inside in (folder, *(p for p in folder.rglob("*") if p.is_dir())):
        files = [p for p in inside.iterdir() if p.is_file() and p.suffix in (".safetensors", ".bin")]
        safe = [p for p in files if p.suffix == ".safetensors"]
        total += sum(p.stat().st_size for p in safe or files)
    return total
