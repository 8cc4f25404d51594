import json
import math

import pytest

from klangbild.errors import InputError
from klangbild.measure import parity
from klangbild.measure.parity import compare_folder, run_parity
from klangbild.metrics.parity import Comparison, largest_difference, n_different


def test_largest_difference_and_ids():
    assert largest_difference([[1, 2]], [[1, 4]]) == 2
    assert largest_difference([math.nan, math.inf], [math.nan, math.inf]) == 0
    assert largest_difference([math.nan], [1.0]) == math.inf
    assert largest_difference([1.0], [[1.0]]) == math.inf
    assert n_different([], []) == 0
    assert n_different([1, 2], [1, 2, 3]) == 1


def test_a_comparison_with_nan_is_never_within():
    assert Comparison("a", 0.0, 0.0).within
    assert not Comparison("a", math.nan, 1.0).within
    assert not Comparison("a", math.inf, math.inf).within


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "not JSON"),
        ("[]", "kind"),
        ('{"kind": "nonsense"}', "not known"),
        ('{"kind": "../x"}', "not known"),
        ('{"kind": "art2mus-model"}', "not known"),
    ],
)
def test_bad_spec(tmp_path, text, word):
    (tmp_path / "parity.json").write_text(text)
    with pytest.raises(InputError, match=word):
        list(compare_folder(tmp_path))


def test_missing_folder(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        list(compare_folder(tmp_path / "nowhere"))


def test_lines_and_exit_code(tmp_path, monkeypatch):
    (tmp_path / "parity.json").write_text(json.dumps({"kind": "given", "errors": [0.5, 2.0]}))
    monkeypatch.setattr(
        parity, "_compare_of", lambda kind, folder: lambda f, spec: (Comparison("x", e, 1.0) for e in spec["errors"])
    )
    lines: list[str] = []
    assert run_parity(tmp_path, write=lines.append) == 1
    assert lines[-1] == "1 of 2 within tolerance" and len(lines) == 3
    (tmp_path / "parity.json").write_text(json.dumps({"kind": "given", "errors": [0.5]}))
    assert run_parity(tmp_path, write=lines.append) == 0
