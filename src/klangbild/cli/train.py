"""`klangbild train ...`: train a model, or export what was trained. Needs the `train` extra (torch)."""

from __future__ import annotations

import argparse
from importlib import import_module

from klangbild.models.registry import COMMANDS


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add `train` and its parts, each model's from its own `commands.py`, to the command line."""
    parser = subparsers.add_parser("train", help="train a model, or export one to the runtime format")
    parts = parser.add_subparsers(dest="part", metavar="PART", required=True)
    export = parts.add_parser("export", help="a trained model to the runtime format and its card")
    exports = export.add_subparsers(dest="model", metavar="MODEL", required=True)
    for place in COMMANDS:
        import_module(place).add_train_commands(parts, exports)
