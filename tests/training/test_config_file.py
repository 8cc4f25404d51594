"""A config is read, or refused in one line that says which setting and what it wants: for every train command."""

import dataclasses
import importlib
import typing
from pathlib import Path

import pytest

pytest.importorskip("torch")

from klangbild.errors import InputError
from klangbild.training.config_file import checked_values, load_config, read_toml

CONFIGS = {
    "bars.training.train_config": "NotesConfig", "aria.training.train_config": "EventsConfig",
    "plan.training.train": "PlanConfig", "plan.training.train_part": "PartConfig",
    "published.art2mus.train": "Art2MusConfig", "published.melfusion.train": "MelfusionConfig",
    "published.training.config": "LoopConfig",
}  # fmt: skip
WRONG = {
    int: ("1.5", "'x'", "true", "[1]", "{a = 1}", "1e3", "inf", "9223372036854775808"),
    float: ("'x'", "true", "[1.0]", "nan", "inf", "1979-05-27"),
    str: ("1", "1.5", "true", "['x']", "07:32:00"),
    bool: ("1", "0", "'true'", "[true]"),
}


def config_of(module):
    pytest.importorskip("diffusers") if module.startswith("published") else None
    package = "klangbild" if module.startswith("emotion") else "klangbild.models"
    return getattr(importlib.import_module(f"{package}.{module}"), CONFIGS[module])


@pytest.mark.parametrize("module", CONFIGS)
def test_every_setting_of_every_command(module, tmp_path):
    kind, path = config_of(module), tmp_path / "c.toml"
    for field in dataclasses.fields(kind):
        hint = typing.get_type_hints(kind)[field.name]
        for value in WRONG.get(hint, ("'quite wrong'",)):
            path.write_text(f"{field.name} = {value}\n")
            with pytest.raises(InputError, match=rf"c\.toml: {field.name}\b.* is ") as refused:
                load_config(kind, path)
            assert len(str(refused.value).splitlines()) == 1
        slip = field.name + "x"
        path.write_text(f"{slip} = 1\n")
        with pytest.raises(InputError, match=f"'{slip}' is not a setting; did you mean '"):
            load_config(kind, path)


def test_our_configs_are_read():
    from klangbild.models.bars.training.train_config import NotesConfig

    for path in sorted(Path(__file__).resolve().parents[2].glob("configs/notes*.toml")):
        assert load_config(NotesConfig, path)


def test_lists_and_tables(tmp_path):
    @dataclasses.dataclass
    class Config:
        widths: tuple[int, ...] = (1, 2)
        pair: tuple[float, str] = (1.0, "a")
        shares: dict[str, float] = dataclasses.field(default_factory=dict)
        most: int | None = None
        form: typing.Literal["a", "b"] = "a"

    typed = {"widths": tuple[int, ...], "pair": tuple[float, str], "shares": dict[str, float], "most": int | None}
    Config.__annotations__ |= typed | {"form": typing.Literal["a", "b"]}
    good = {"widths": [3, 4, 5], "pair": [2, "b"], "shares": {"x": 1}, "most": 7, "form": "b"}
    assert checked_values(Config, good, where="c") == {**good, "widths": (3, 4, 5), "pair": (2, "b")}
    for name, value, told in (
        ("widths", 3, "list"), ("widths", [1, "x"], r"widths\[1\] is 'x'"), ("pair", [1.0], "list of 2"), ("shares", [1], "table"),
        ("shares", {"x": "y"}, r"shares\.x"), ("most", "x", "whole number"), ("form", "c", "one of a, b"), ("form", [], "one of"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=told):
            checked_values(Config, {name: value}, where="c")


def test_files_that_are_no_toml(tmp_path):
    path = tmp_path / "c.toml"
    for data in (b"\xff\xfe", b"a = \n", b"a = " + b"[" * 100_000, b"a = 1\na = 2\n"):
        path.write_bytes(data)
        with pytest.raises(InputError, match="not TOML"):
            read_toml(path)
    with pytest.raises(InputError, match="is a folder"):
        read_toml(tmp_path)
    with pytest.raises(InputError, match="no such config"):
        read_toml(tmp_path / "none.toml")
