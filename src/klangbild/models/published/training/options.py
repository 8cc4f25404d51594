"""What the commands of the published systems share: the options of a run, and the libraries that they need."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from klangbild.errors import NotAvailableError


def add_folders(parser: argparse.ArgumentParser, *, needed: bool = True) -> None:
    """`--pictures` and `--music`."""
    parser.add_argument("--pictures", type=Path, required=needed, metavar="DIR", help="folder of pictures")
    parser.add_argument("--music", type=Path, required=needed, metavar="DIR", help="folder of sound files")


def add_loop_options(parser: argparse.ArgumentParser, default_run: str) -> None:
    """Settings, folder and length of a run, and whether it goes on."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE.toml", help="tables [loop] and [model]; default: the paper's"
    )
    parser.add_argument("--run", dest="run_dir", default=default_run, metavar="DIR", help=f"default: {default_run}")
    parser.add_argument("--steps", type=int, metavar="N", help="instead of the config's")
    parser.add_argument("--resume", action="store_true", help="go on from the run's checkpoint")
    parser.add_argument("--cpu", action="store_true", help="even where there is a GPU")


def need_extra() -> None:
    """Raises NotAvailableError: diffusers or transformers is not installed."""
    try:
        import diffusers  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise NotAvailableError(
            f"this needs {error.name}, which is not installed; run: pip install 'klangbild[diffusion]'"
        ) from None


def tell(stage: str, done: int, n: int) -> None:
    """How far a stage is, every hundred items and at its end, on standard error."""
    if done == n or done % 100 == 0:
        print(f"{stage}: {done} of {n}", file=sys.stderr)
