"""`klangbild models`: which models are there, under which licence, what their output may be used for, and how to add more."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from klangbild.errors import NotAvailableError, UsageError
from klangbild.models.registry import ADDABLE, named

_ADD = (
    "aria: its checkpoints or midi-emotion's (model.pt, mappings.pt, model_config.pt, and ARIA's image_encoder.pt) are converted. art2mus, "
    "melfusion: each download as it is (AudioLDM 2, ImageBind, Art2Mus's projections; Tango, Stable Diffusion 2.1, synapses) joins one "
    "folder, at once or one after the other: docs/published.md. Pickles are opened without running code. Needs torch."
)
_NON_COMMERCIAL_USE = "private, teaching and research use; not for sale or advertising (NC), and share alike (SA)"


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add `models` and its actions to the command line."""
    parser = subparsers.add_parser("models", help="which models there are, their licences, how to add more")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    listing = actions.add_parser("list", help="all models on this machine, one a line")
    listing.add_argument("--json", action="store_true", help="one JSON object per line")
    listing.set_defaults(run=_list)

    show = actions.add_parser("show", help="a model's card: licence, what its output may be used for, data, numbers")
    show.add_argument("name", metavar="NAME|DIR", nargs="?", help="without one: the licences of all models")
    show.add_argument("--json", action="store_true", help="the card as one JSON object (all: one a line)")
    show.add_argument("--check", action="store_true", help="read every file and compare it with its sha256")
    show.set_defaults(run=_show)

    add = actions.add_parser(
        "add",
        help="make a model of the downloads of others, so that --model NAME finds it",
        description=_ADD,
    )
    add.add_argument(
        "kind",
        choices=tuple(ADDABLE),
        metavar="KIND",
        help="aria (also any midi-emotion run); art2mus, or one of its downloads: audioldm2, imagebind, projection; melfusion, or "
        "one of its downloads: tango, stable-diffusion, synapses",
    )
    add.add_argument(
        "--from",
        dest="sources",
        action="append",
        metavar="DIR|FILE|HUB_ID",
        help="folder, file, or id on the Hugging Face hub (aria: vincentamato/ARIA); art2mus and melfusion: as many as there are",
    )
    add.add_argument("--name", metavar="NAME", help="the name to give it (default: aria, art2mus or melfusion)")
    add.add_argument(
        "--overwrite",
        action="store_true",
        help="replace a model of that name; of art2mus and melfusion only the parts given",
    )
    add.set_defaults(run=_add)

    pull = actions.add_parser("pull", help="fetch and convert a known model from the hub")
    pull.add_argument("name", metavar="NAME", help="aria, or an id like owner/name")
    pull.add_argument("--overwrite", action="store_true", help="replace a model of that name")
    pull.set_defaults(run=_pull)

    path = actions.add_parser("path", help="the folder of a model, or (without a name) the one where models are added")
    path.add_argument("name", metavar="NAME", nargs="?")
    path.set_defaults(run=_path)


def output_use(facts: dict[str, Any]) -> str:
    """What a model's output may be used for, in a sentence, from its card."""
    if facts.get("output_use"):
        return str(facts["output_use"])
    licence = str(facts.get("licence", ""))
    if "NC" in licence.upper().replace("-", " ").split():
        return _NON_COMMERCIAL_USE
    return "not stated on its card; take its licence as the limit" if licence else "not stated"


def _list(args: argparse.Namespace) -> int:
    from klangbild import hub

    rows = [{"name": c["name"], "kind": c.get("kind", "emotion"), "licence": c.get("licence", "not stated"), "from": "shipped"}
            for c in hub.shipped()]  # fmt: skip
    for folder in hub.added():
        has = ", ".join(folder.config.get("conditionings", {}))
        rows.append({"name": folder.name, "kind": folder.kind, "licence": folder.licence, "from": "added", "has": has})
    broken = hub.damaged()
    rows += [{"name": model.name, "from": "damaged", "damaged": model.why} for model in broken]
    if args.json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
        return 0
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        told = row.get("damaged") or f"{row['kind']:12}  {row['licence']}"
        print(f"{row['name']:{width}}  {row['from']:7}  {told}")
    for model in broken:
        print(f"{model.name} cannot be used: {model.remedy}", file=sys.stderr)
    if not any(row["name"] == "aria" for row in rows):
        print("not here: aria; add it with: klangbild models add aria --from DIR|HUB_ID", file=sys.stderr)
    for kind in ("art2mus", "melfusion"):
        if not any(row.get("kind") == kind for row in rows):
            print(f"not here: published {kind}; what it is made of: docs/published.md", file=sys.stderr)
    return 0


def _show(args: argparse.Namespace) -> int:
    from klangbild import hub

    if args.name is None:
        return _licences(args)
    if args.name == "klangbild":  # the shipped models together go by the house's name
        for number, card in enumerate(hub.shipped()):
            print(end="\n" if number and not args.json else "")
            _show(argparse.Namespace(**{**vars(args), "name": card["name"]}))
        return 0
    card = next((card for card in hub.shipped() if card["name"] == args.name), None)
    if card is None:
        folder = hub.from_pretrained(args.name)
        if args.check:
            folder.verify()
        card = {**folder.config, "path": str(folder.path), "sha256": folder.sha256}
    facts = {**card, "output_use": output_use(card)}
    if args.json:
        print(json.dumps(facts, ensure_ascii=False))
        return 0
    first = ["name", "kind", "licence", "output_use", "origin"]
    hidden = {"files", "sizes", "format", "language_version"}
    for key in [*first, *(key for key in facts if key not in first and key not in hidden)]:
        if facts.get(key) not in (None, "", {}, []):
            print(f"{key.replace('_', ' '):14} {_told(facts[key])}")
    return 0


def _licences(args: argparse.Namespace) -> int:
    """Licence and permitted use of every model: those that ship, those added, and those of others that can be added."""
    from klangbild import hub
    from klangbild.models.aria import card as hub_aria
    from klangbild.models.published import licences

    cards = [{**card, "from": "shipped"} for card in hub.shipped()]
    cards += [
        {**folder.config, "name": folder.name, "licence": folder.licence, "from": "added"} for folder in hub.added()
    ]
    if not any(card.get("kind") == hub_aria.KIND for card in cards):
        cards.append(
            {"name": "aria", "licence": hub_aria.LICENCE, "output_use": hub_aria.OUTPUT_USE, "from": "not here"}
        )
    cards += [
        {"name": licence.weights, "licence": licence.name, "output_use": licence.use, "from": "not here"}
        for licence in licences.KNOWN.values()
    ]
    if args.check:
        raise UsageError("--check reads the files of one model; name it")
    rows = [
        {"name": c["name"], "from": c["from"], "licence": c.get("licence") or "not stated", "output_use": output_use(c)}
        for c in cards
    ]
    if args.json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
        return 0
    together: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        together.setdefault((row["from"], row["licence"], row["output_use"]), []).append(row["name"])
    for (origin, licence, use), names in together.items():
        print(f"{origin}: {', '.join(names)}\n  licence: {licence}\n  output:  {use}")
    print(
        "'klangbild models show NAME' prints a model's card; LICENSES.md says what the weights learnt from",
        file=sys.stderr,
    )
    return 0


def _told(value: Any) -> str:
    if isinstance(value, dict):
        if (
            all("sizes" in v for v in value.values() if isinstance(v, dict))
            and value
            and isinstance(next(iter(value.values())), dict)
        ):
            return ", ".join(f"{name} ({part['parameters']:,} parameters)" for name, part in value.items())
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


def _add(args: argparse.Namespace) -> int:
    if args.kind != "aria":
        return _add_published(args)
    from klangbild.models.aria import card as hub_aria

    sources = args.sources or [hub_aria.ARIA_HUB_ID]
    if len(sources) > 1:
        raise UsageError("--from: aria is one download; give one folder or id")
    return _convert(sources[0], args.name or args.kind, overwrite=args.overwrite)


def _add_published(args: argparse.Namespace) -> int:
    from klangbild.models.published.where import FROM, OF, told_of

    if not args.sources:
        wanted = "; ".join(
            FROM[name] for name in OF["art2mus" if args.kind in ("art2mus", *OF["art2mus"]) else "melfusion"]
        )
        raise UsageError(f"--from: give the downloads, one --from each: {wanted}")
    try:
        add = named(ADDABLE[args.kind])
    except ModuleNotFoundError as error:
        raise NotAvailableError(
            f'reading these downloads needs {error.name}, which is not installed; run: pip install "klangbild[diffusion]"'
        ) from None
    folder = add(args.sources, name=args.name, overwrite=args.overwrite)
    for line in told_of(folder):
        print(line, file=sys.stderr)
    print(folder.path)
    return 0


def _pull(args: argparse.Namespace) -> int:
    from klangbild import hub
    from klangbild.models import fetch as hub_fetch
    from klangbild.models.aria import card as hub_aria

    if args.name == "aria":
        return _convert(hub_aria.ARIA_HUB_ID, args.name, overwrite=args.overwrite)
    if not hub.is_hub_id(args.name):
        near = hub_fetch.nearest(args.name)
        hint = f"did you mean {near}?" if near else "give aria, or an id like owner/name"
        raise UsageError(f"'{args.name}' is not known; {hint}")
    model = hub_fetch.identify(args.name)
    if model.layout == "aria":
        return _convert(args.name, args.name.rpartition("/")[2].lower(), overwrite=args.overwrite)
    from klangbild.models.published.licences import licence_of

    folder = hub_fetch.fetch_model(model)
    print(f"licence of {licence_of(model.hub_id, folder).line}", file=sys.stderr)
    print(f"kept in the hub's cache as it is; use: {model.use}", file=sys.stderr)
    print(folder)
    return 0


def _convert(source: str, name: str, *, overwrite: bool) -> int:
    from klangbild.models.aria import card as hub_aria

    print(hub_aria.NOTICE, file=sys.stderr)
    try:
        from klangbild.models.aria.convert_torch import convert
    except ModuleNotFoundError as error:
        raise NotAvailableError(
            f'converting needs {error.name}, which is not installed; run: pip install "klangbild[train]" '
            "(composing with the converted model does not)"
        ) from None
    folder = convert(source, name=name, overwrite=overwrite)
    for command in commands_for(folder.name, folder.config):
        print(f"added; use it with: {command}", file=sys.stderr)
    print(folder.path)
    return 0


def commands_for(name: str, config: dict[str, Any]) -> list[str]:
    """Commands that work with an added model: what is not the default must be said."""
    from klangbild.settings import Settings

    has = list(config.get("conditionings", {}))
    usual = Settings().conditioning
    commands = [f"klangbild PICTURE --model {name}" + ("" if usual in has else f" --conditioning {c}")
                for c in has if usual not in has or c == usual]  # fmt: skip
    if config.get("image_encoder"):
        commands.append(f"klangbild emotion PICTURE --emotion-model {name}")
    return commands


def _path(args: argparse.Namespace) -> int:
    from klangbild import hub

    if args.name is None:
        print(hub.models_home())
        return 0
    shipped = next((card for card in hub.shipped() if card["name"] == args.name), None)
    print(Path(shipped["path"]).parent if shipped else hub.from_pretrained(args.name).path)
    return 0
