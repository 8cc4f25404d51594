"""LICENSES.md names everything that an installation brings, and nothing under the GPL comes unnamed."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "LICENSES.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = {name: needs for name, needs in PROJECT["optional-dependencies"].items() if name != "dev"}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).casefold()


def rows() -> list[str]:
    """The table of what is used at run time, row by row."""
    start = TEXT.index("## What klangbild uses at run time")
    table = TEXT[start : TEXT.index("## Models of others", start)]
    return [line for line in table.splitlines() if line.startswith("|")][2:]


def named(row: str) -> set[str]:
    return {plain(word) for word in re.findall(r"[\w.-]+", row)}


def closure(names: list[str]) -> dict[str, importlib.metadata.Distribution]:
    """Everything that these distributions bring, as far as it is installed here."""
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = [(name, "") for name in names]
    while waiting:
        name, extra = waiting.pop()
        if plain(name) in found:
            continue
        try:
            found[plain(name)] = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        for text in found[plain(name)].requires or ():
            need = Requirement(text)
            if need.marker is None or need.marker.evaluate({"extra": extra}):
                waiting += [(need.name, extra) for extra in (need.extras or {""})]
    return found


def test_every_dependency_has_a_row():
    together = set().union(*map(named, rows()))
    for text in PROJECT["dependencies"]:
        assert plain(Requirement(text).name) in together, text
    for extra, needs in EXTRAS.items():
        of_extra = [row for row in rows() if row.startswith(f"| `[{extra}]`")]
        assert len(of_extra) == 1, f"one row for [{extra}]"
        for text in needs:
            assert plain(Requirement(text).name) in named(of_extra[0]), (extra, text)
    for row in rows():
        assert row.count("|") == 4 and all(cell.strip() for cell in row.strip("|").split("|")), row


def test_what_the_base_and_the_page_bring_is_named_to_the_last():
    together = set().union(*map(named, rows()))
    needs = [Requirement(text).name for text in [*PROJECT["dependencies"], *EXTRAS["web"]]]
    assert not set(closure(needs)) - together


def test_nothing_under_the_gpl_comes_unnamed():
    needs = [
        Requirement(text).name
        for text in [*PROJECT["dependencies"], *(need for needs in EXTRAS.values() for need in needs)]
    ]
    for name, distribution in closure(needs).items():
        meta = distribution.metadata
        stated = f"{meta.get('License-Expression') or ''} {(meta.get('License') or '').splitlines()[:1]}"
        stated += " ".join(c for c in meta.get_all("Classifier") or () if c.startswith("License"))
        assert not re.search(r"(?<!L)GPL|General Public", stated) or name in set().union(*map(named, rows())), name


def test_the_tools_of_the_tests_are_not_what_is_installed():
    pytest.importorskip("mutagen")
    needs = [Requirement(text).name for text in [*PROJECT["dependencies"], *EXTRAS["web"]]]
    assert "mutagen" not in closure(needs) and "gradio" not in closure(needs)
