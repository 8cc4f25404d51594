"""Flags are made from settings, and the documentation from the flags."""

import argparse
from dataclasses import fields
from pathlib import Path

from klangbild.cli.options import add_settings, options_table, settings_from
from klangbild.settings import Settings, flag_of

DOCS = Path(__file__).resolve().parents[2] / "docs" / "options.md"


def test_every_setting_has_a_flag_and_a_help_with_its_range():
    parser = argparse.ArgumentParser()
    add_settings(parser)
    text = " ".join(parser.format_help().split())
    for knob in fields(Settings):
        assert flag_of(knob.name) in text
        assert knob.metadata["help"].split()[0] in text
        if "min" in knob.metadata:
            assert f"{knob.metadata['min']} to {knob.metadata['max']}" in text


def test_what_is_given_and_only_that_arrives():
    parser = argparse.ArgumentParser()
    add_settings(parser)
    arguments = parser.parse_args(["--top-k", "5", "--instruments", "Piano, bass", "--commercial", "-d", "cpu"])
    assert settings_from(arguments) == {
        "top_k": 5,
        "instruments": ("piano", "bass"),
        "commercial": True,
        "device": "cpu",
    }


def test_settings_survive_json():
    settings = Settings(seconds=12.5, instruments=("piano",), key="Am", loudness="off", seed=3)
    assert Settings.from_dict(settings.as_dict()) == settings


def test_the_documentation_is_the_settings():
    """Refresh with: python -c "from klangbild.cli.options import options_table as t; print(t(), end='')"."""
    assert options_table() in DOCS.read_text(encoding="utf-8")
