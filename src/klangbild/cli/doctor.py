"""`klangbild doctor`: is everything here, and does it make music?"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sys
import tempfile
import time
from typing import Any

from klangbild.errors import EXIT_FAILED, KlangbildError
from klangbild.shipped import weights_folder


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "doctor",
        help="check this installation",
        description="Print what is installed and where, and make a two-second piece.",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    facts = {**_house(), **_try()}
    if arguments.json:
        print(json.dumps(facts, ensure_ascii=False))
    else:
        for name, value in facts.items():
            print(f"{name:16} {value}")
    return EXIT_FAILED if facts["two-second piece"].startswith("failed") else 0


def _house() -> dict[str, Any]:
    from importlib.metadata import PackageNotFoundError, version

    from klangbild import __version__, hub
    from klangbild.sound.fonts import better_font, find_soundfont

    def there(name: str) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return "not installed"

    weights = sorted(p for p in weights_folder().iterdir() if p.suffix in (".onnx", ".npz"))
    try:
        font = str(find_soundfont(None))
    except KlangbildError as error:
        font = f"missing: {error}"
    usage = shutil.disk_usage(tempfile.gettempdir())
    return {
        "klangbild": __version__,
        "python": f"{platform.python_version()} ({sys.executable})",
        "system": f"{platform.system()} {platform.machine()}",
        **{name: there(name) for name in ("numpy", "onnxruntime", "symusic", "soundfile")},
        "torch": there("torch")
        + (" (only needed to train, and for the big sound engines)" if there("torch") == "not installed" else ""),
        "fastapi": there("fastapi"),
        "SoundFont": font,
        **({"a better one": better} if (better := better_font()) else {}),
        "models": ", ".join(f"{p.name} ({p.stat().st_size / 1e6:.1f} MB)" for p in weights) or "none",
        "added models": ", ".join(folder.name for folder in hub.added()) or "none",
        **{f"damaged model {model.name}": f"{model.why}; {model.remedy}" for model in hub.damaged()},
        "free disk": f"{usage.free / 1e9:.1f} GB",
    }


def _try() -> dict[str, str]:
    """Two seconds of music from a small grey picture, written to a temporary folder."""
    import numpy as np

    from klangbild.composer import compose

    started = time.perf_counter()
    try:
        with tempfile.TemporaryDirectory() as folder:
            result = compose(np.full((64, 64, 3), 128, np.uint8), seconds=2, seed=1)
            result.save(folder)
    except Exception as error:  # noqa: BLE001 - a doctor reports every illness
        return {"two-second piece": f"failed: {type(error).__name__}: {error}"}
    sound = result.record.sound
    return {
        "two-second piece": f"made in {time.perf_counter() - started:.1f} s, {sound.lufs} LUFS, {sound.true_peak_dbtp} dBTP"
    }
