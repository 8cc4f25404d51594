"""`klangbild data ...`: raw sets to the compact files that models are trained from."""

from __future__ import annotations

import argparse
from importlib import import_module

from klangbild.models.registry import COMMANDS


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add `data` and its parts, each model's from its own `commands.py`, to the command line."""
    parser = subparsers.add_parser("data", help="prepare data sets for training")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    prepare = actions.add_parser("prepare", help="raw sets to one compact file")
    kinds = prepare.add_subparsers(dest="kind", metavar="KIND", required=True)
    for place in COMMANDS:
        import_module(place).add_data_commands(actions, kinds)
