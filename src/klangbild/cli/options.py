"""Command-line flags made from `settings.Settings`, and what several commands share about their output."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import Any

from klangbild.errors import UsageError
from klangbild.formats.table import DEFAULT_FORMATS, FORMATS, FORMATS_HERE
from klangbild.models.registry import ENGINES, deaf, engines_hearing
from klangbild.settings import Settings, flag_of

GROUPS = {
    "start": "what",
    "emotion": "emotion",
    "music": "music",
    "sound": "sound",
    "advanced": "advanced",
}


def add_settings(parser: argparse.ArgumentParser, only: tuple[str, ...] | None = None) -> None:
    """One flag for each field, with its help, range and default. `only`: these fields."""
    groups = {}
    for knob in fields(Settings):
        if only is not None and knob.name not in only:
            continue
        meta = knob.metadata
        title = GROUPS[meta["group"]]
        group = groups.setdefault(title, parser.add_argument_group(title) if title not in groups else None)
        flags = [flag_of(knob.name)]
        if meta.get("flag", "").startswith("-") and not meta["flag"].startswith("--"):
            flags.insert(0, meta["flag"])
        if knob.default is False:
            group.add_argument(*flags, dest=knob.name, action="store_true", help=meta["help"])
            continue
        group.add_argument(
            *flags,
            dest=knob.name,
            default=None,
            type=_reader(knob),
            action=_Joined if meta.get("joins") else "store",
            metavar=meta.get("metavar") or _metavar(knob),
            help=_help(knob),
        )


class _Joined(argparse.Action):
    """A flag that may be given several times; what each says is joined by commas."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        before = getattr(namespace, self.dest, None)
        setattr(namespace, self.dest, values if before is None else f"{before},{values}")


def settings_from(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields that were given on the command line."""
    given = {}
    for knob in fields(Settings):
        value = getattr(arguments, knob.name, None)
        if value is not None and value is not False:
            given[knob.name] = value
    return given


def add_output(parser: argparse.ArgumentParser, *, formats: bool = True, default: str = ".") -> None:
    """-o, -f, --filename, --overwrite, --json, -q, -v."""
    from klangbild.result import DEFAULT_FILENAME

    group = parser.add_argument_group("output")
    group.add_argument(
        "-o",
        "--output",
        default=default,
        metavar="OUT",
        help="a folder, or a file by its suffix (default: here)"
        if default == "."
        else f"a folder (default: {default})",
    )
    if formats:
        group.add_argument(
            "-f", "--format", default=None, metavar="LIST",
            help=f"of {' '.join(FORMATS)}, comma-separated (default: {','.join(DEFAULT_FORMATS)})",
        )  # fmt: skip
        group.add_argument(
            "--filename", default=DEFAULT_FILENAME, metavar="TEMPLATE",
            help="{picture} {seed} {emotion} {engine} {model} {key} {tempo} (default: %(default)s)",
        )  # fmt: skip
    group.add_argument("--overwrite", action="store_true", help="replace files; otherwise -2, -3 ... is added")
    group.add_argument("--json", action="store_true", help="one JSON object a line on stdout instead of paths")
    group.add_argument("-q", "--quiet", action="store_true", help="only errors")
    group.add_argument("-v", "--verbose", action="count", default=0, help="more talk; a traceback with an error")


def asked_formats(
    arguments: argparse.Namespace, known: tuple[str, ...] = FORMATS, kind: str = "format we write"
) -> tuple[str, ...] | None:
    """What -f names, each once and in order ("all": every one that can be written here); None without -f.

    Raises:
        UsageError: it names something else, or -o names a file besides.
    """
    from pathlib import Path

    from klangbild.slips import unknown_format

    if arguments.format is None:
        return None
    out = Path(arguments.output)
    if out.suffix and not out.is_dir():
        raise UsageError(f"-o {out} names one file and -f a list of formats; give a folder with -f, or leave -f out")
    formats = tuple(dict.fromkeys(part.strip().lower() for part in arguments.format.split(",") if part.strip()))
    if formats == ("all",):
        return tuple(name for name in known if name in FORMATS_HERE)
    for name in formats:
        if name not in known:
            raise UsageError(f"-f {unknown_format(name, known, kind)}")
    if not formats:
        raise UsageError(f"-f is empty; choose from {', '.join(known)}")
    return formats


def _reader(knob: Any) -> Any:
    """Text -> value; what does not read stays text, so that `Settings` can complain in its own words."""
    kind, meta = str(knob.type), knob.metadata
    if "items" in meta:
        return lambda text: tuple(part.strip().lower() for part in text.split(",") if part.strip())

    def number(text: str) -> Any:
        for convert in (int, float) if "int" in kind else (float,):
            try:
                return convert(text)
            except ValueError:
                continue
        return text

    return number if ("int" in kind or "float" in kind) else str


def _metavar(knob: Any) -> str:
    if "choices" in knob.metadata:
        return "|".join(str(choice) for choice in knob.metadata["choices"])
    return knob.name[0].upper()


def _help(knob: Any) -> str:
    meta = knob.metadata
    parts = [meta["help"]]
    if "items" in meta:
        parts.append("of " + " ".join(meta["items"]))
    if "min" in meta:
        parts.append(f"{meta['min']} to {meta['max']}")
    if knob.default is not None:
        parts.append(f"default {knob.default}")
    if engines_hearing(knob.name) != ENGINES:
        parts.append("only " + " and ".join(engines_hearing(knob.name)))
    parts += dict.fromkeys(f"not {player.called}" for player in deaf(knob.name))
    return (parts[0] + (f" [{'; '.join(parts[1:])}]" if len(parts) > 1 else "")).replace("%", "%%")


def options_table() -> str:
    """All settings as a Markdown table: flag, range or choices, default, help. `docs/options.md` is this."""
    lines = ["| flag | values | default | what it does | engines |", "|---|---|---|---|---|"]
    for knob in fields(Settings):
        meta = knob.metadata
        values = ""
        if "items" in meta:
            values = "list of " + " ".join(meta["items"])
        elif "choices" in meta:
            values = " ".join(str(choice) for choice in meta["choices"])
        elif "min" in meta:
            values = f"{meta['min']} to {meta['max']}" + (" or `off`" if knob.name == "loudness" else "")
        default = "" if knob.default is None or knob.default is False else str(knob.default)
        hearing, without = engines_hearing(knob.name), deaf(knob.name)
        engines = "all" if hearing == ENGINES else " ".join(hearing)
        if any(knob.name not in player.why_not for player in without):
            engines = "all that write notes"
        elif without:
            engines += ", not " + " and ".join(dict.fromkeys(player.called for player in without))
        lines.append(
            f"| `{flag_of(knob.name)}` | {values} | {default} | {meta['help'].replace('|', '/')} | {engines} |"
        )
    return "\n".join(lines) + "\n"
