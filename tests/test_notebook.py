"""docs/klangbild.ipynb runs from its first cell to its last, and is kept without what it showed."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "docs" / "klangbild.ipynb"


def test_every_cell_runs(tmp_path, monkeypatch):
    """The code as it stands, in one namespace, beside the pictures; a last line that is a value is asked for what a notebook shows."""
    import ast

    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path / "docs")
    names: dict[str, object] = {}
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        body = ast.parse("".join(cell["source"])).body
        last = body.pop() if isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), cell["id"], "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), cell["id"], "eval"), names)
            assert value is not None and (shown := getattr(value, "_repr_html_", value.__repr__)()), cell["id"]
            assert isinstance(shown, str)
    assert (tmp_path / "docs" / "out" / "waltz.musicxml").stat().st_size > 1000


def test_it_is_a_notebook_without_outputs():
    nbformat = pytest.importorskip("nbformat", reason="needs nbformat (pip install '.[dev]')")
    book = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(book)
    assert all(not cell.outputs and cell.execution_count is None for cell in book.cells if cell.cell_type == "code")
    assert NOTEBOOK.stat().st_size < 12_000
