"""`klangbild measure card CARD.json RESULTS.json...`: what was measured goes into a model's card, by no one's hand.

A card is the .json beside a model's weights. Results stand under "measured", by kind of measure, each with the command, the
seed, the klangbild version, and the sha256 of the weights they were measured on; a card whose weights have changed since says
so (`--check`, exit 1). `--markdown` prints the card as text for a README.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from klangbild.errors import InputError, UsageError
from klangbild.measure.results import Results
from klangbild.whole_files import atomic_write

WEIGHTS_ENDINGS = (".onnx", ".npz", ".safetensors")


def load_card(path: Path) -> dict[str, Any]:
    """Raises InputError: missing, or not a card."""
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such card; give the .json beside a model's weights") from None
    except ValueError as error:
        raise InputError(f"{path}: is not JSON ({error})") from None
    if not isinstance(card, dict) or "name" not in card:
        raise InputError(f"{path}: is not a model card (it has no name)")
    return card


def weights_of(path: Path) -> str | None:
    """sha256 of the weights beside a card, or None where there are none."""
    for ending in WEIGHTS_ENDINGS:
        file = path.with_suffix(ending)
        if file.is_file():
            return hashlib.sha256(file.read_bytes()).hexdigest()
    return None


def filled(card: dict[str, Any], raw_results: list[dict[str, Any]], sha256: str | None) -> dict[str, Any]:
    """The card with the results; a kind measured again replaces what stood there."""
    measured = dict(card.get("measured", {}))
    for raw in raw_results:
        kept = {key: raw[key] for key in ("command", "seed", "klangbild", "notes", "sets")}
        measured[raw["measure"]] = kept | ({"weights_sha256": sha256} if sha256 else {})
    return {**card, "measured": measured}


def text_of(card: dict[str, Any]) -> str:
    """JSON with each number and its interval on one line, so that a card can be read."""
    return re.sub(r'\{\s*"value"[^{}]*\}', lambda found: " ".join(found[0].split()), json.dumps(card, indent=1)) + "\n"


def stale(card: dict[str, Any], sha256: str | None) -> list[str]:
    """Kinds of measure that were made on other weights than those that lie beside the card now."""
    return [kind for kind, raw in card.get("measured", {}).items() if raw.get("weights_sha256") != sha256]


def markdown(card: dict[str, Any]) -> str:
    """The card as text."""
    lines = [
        f"# {card['name']}",
        "",
        f"Licence: {card.get('licence', 'unstated')}.",
        f"What it cannot do: {card.get('limits', 'unstated')}.",
    ]
    for kind, raw in card.get("measured", {}).items():
        lines += ["", f"## {kind}", "", f"`{raw['command']}`, seed {raw['seed']}", ""]
        names = list(raw["sets"])
        lines += ["| score | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
        for score in dict.fromkeys(s for scores in raw["sets"].values() for s in scores):
            lines.append(f"| {score} | " + " | ".join(_cell(raw["sets"][n].get(score)) for n in names) + " |")
        lines += ["", *(f"- {note}" for note in raw["notes"])]
    return "\n".join(lines)


def _cell(number: dict[str, Any] | None) -> str:
    if number is None or number["value"] is None:
        return "-"
    return f"{number['value']:.3g}" + ("" if number["low"] is None else f" [{number['low']:.3g}, {number['high']:.3g}]")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure card`."""
    parser.add_argument("card", type=Path, metavar="CARD.json", help="the .json beside a model's weights")
    parser.add_argument(
        "results", nargs="*", type=Path, metavar="RESULTS.json", help="of any 'klangbild measure ... -o'"
    )
    parser.add_argument("--check", action="store_true", help="exit 1 when results were made on other weights")
    parser.add_argument("--markdown", action="store_true", help="print the card as text")


def run(args: argparse.Namespace) -> int:
    """Fill, check or print a card."""
    card, sha256 = load_card(args.card), weights_of(args.card)
    if not (args.results or args.check or args.markdown):
        raise UsageError("give RESULTS.json to put into the card, or --check, or --markdown")
    if args.results:
        raw = []
        for path in args.results:
            Results.load(path)  # a clear answer for what is not ours
            raw.append(json.loads(path.read_text(encoding="utf-8")))
        card = filled(card, raw, sha256)
        atomic_write(args.card, text_of(card).encode())
        print(args.card)
    if args.markdown:
        print(markdown(card))
    old = stale(card, sha256) if args.check else []
    for kind in old:
        print(f"{args.card}: {kind} was measured on other weights; measure again")
    return int(bool(old))
