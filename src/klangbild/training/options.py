"""What every small training run is asked for on the command line: its settings, and another folder than theirs."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
from pathlib import Path
from typing import Any

from klangbild.errors import NotAvailableError


def add_run_options(parser: argparse.ArgumentParser, config: Path) -> None:
    """`--config` (default: `config`) and `--run`."""
    parser.add_argument("--config", type=Path, default=config, metavar="FILE", help="settings (TOML)")
    parser.add_argument("--run", dest="run_dir", metavar="DIR", help="the run's folder, instead of the config's")


def need_torch() -> None:
    """Raises NotAvailableError: torch is not installed."""
    if importlib.util.find_spec("torch") is None:
        raise NotAvailableError("training needs torch, which is not installed; pip install 'klangbild[train]'")


def run_config(kind: Any, args: argparse.Namespace) -> Any:
    """The settings of `kind` that `add_run_options`' options name. Raises InputError: they cannot be read."""
    config = kind.load(args.config)
    return dataclasses.replace(config, run=args.run_dir) if args.run_dir else config
