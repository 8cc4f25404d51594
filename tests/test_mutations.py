"""The list of changes that the tests must notice still fits the code; that they notice: `python benchmarks/mutations.py`."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_every_change_applies_in_just_one_place():
    spec = importlib.util.spec_from_file_location("mutation_cases", ROOT / "benchmarks" / "mutation_cases.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert len({case.name for case in module.CASES}) == len(module.CASES) >= 40
    for case in module.CASES:
        source = (ROOT / case.file).read_text(encoding="utf-8")
        assert source.count(case.old) == 1, f"{case.name}: mend benchmarks/mutation_cases.py"
        compile(source.replace(case.old, case.new), case.file, "exec")
        assert all((ROOT / test).is_file() for test in case.tests), case.name
