"""Tests of editing draw one fill where an edit draws several: which is kept is tried by itself."""

import pytest


@pytest.fixture(autouse=True)
def one_fill(monkeypatch):
    monkeypatch.setattr("klangbild.editing.make.FILLS", 1)
    monkeypatch.setattr("klangbild.editing.vary.FILLS", 1)
