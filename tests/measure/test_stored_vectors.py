"""`measure vectors` on files of other tools: read in float64, or refused in one line; never unpickled."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from klangbild.cli.main import main
from klangbild.errors import InputError
from klangbild.measure.vectors import evaluate, load_vectors

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "vectors"
ROWS = np.random.default_rng(0).normal(size=(6, 4))
NAMES = np.array([f"f{i}" for i in range(6)])
HUGE = np.full((6, 4), 1e200)


class Malicious:
    def __reduce__(self):
        return (print, ("this must never run",))


def damaged_header(path):
    np.save(path, ROWS)
    path.write_bytes(path.read_bytes().replace(b"(6, 4)", b"(6, 4 "))


def enormous_header(path):
    np.save(path, ROWS)
    path.write_bytes(path.read_bytes().replace(b"(6, 4), }" + b" " * 12, b"(6000000000000, 4), }"))


def cut_zip(path):
    with path.open("wb") as file:
        np.savez(file, vectors=ROWS)
    path.write_bytes(path.read_bytes()[:200])


def empty_zip(path):
    zipfile.ZipFile(path, "w").close()


REFUSED = {
    "strings": {"vectors": NAMES[:, None]},
    "objects": {"vectors": np.array([[Malicious()]], dtype=object)},
    "complex": {"vectors": ROWS + 1j},
    "times": {"vectors": ROWS.astype("datetime64[s]")},
    "records": {"vectors": np.zeros(3, [("a", float), ("b", int)])},
    "not a number": {"vectors": np.full((6, 4), np.nan)},
    "infinite": {"logits": np.full((6, 4), np.inf), "names": NAMES},
    "too large": {"vectors": HUGE},
    "one row": {"vectors": ROWS[0]},
    "a number": {"vectors": np.array(3.0)},
    "three axes": {"vectors": ROWS[None]},
    "no items": {"vectors": ROWS[:0]},
    "no width": {"vectors": ROWS[:, :0]},
    "too few names": {"vectors": ROWS, "names": NAMES[:2]},
    "names in rows": {"vectors": ROWS, "names": NAMES[:, None]},
    "names are numbers": {"vectors": ROWS, "names": ROWS[:, 0]},
    "names twice": {"vectors": ROWS, "names": np.array(["a"] * 6)},
    "names are objects": {"vectors": ROWS, "names": np.array([Malicious()] * 6, dtype=object)},
    "another width": {"vectors": ROWS[:, :3]},
    "a single item": {"vectors": ROWS[:1]},
    "other arrays": {"embedding": ROWS},
    "nothing in common": {"logits": ROWS, "names": NAMES},
    "no file": None,
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("no"),
    "a folder": lambda path: path.mkdir(),
    "an empty zip": empty_zip,
    "a cut zip": cut_zip,
    "a damaged header": damaged_header,
    "an enormous header": enormous_header,
    "a pickle": lambda path: np.save(path, np.array([Malicious()], dtype=object)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_one_line(tmp_path, capsys, case):
    good, bad = tmp_path / "good.npz", tmp_path / ("bad.npy" if callable(REFUSED[case]) else "bad.npz")
    np.savez(good, vectors=ROWS, names=NAMES)
    if callable(REFUSED[case]):
        REFUSED[case](bad)
    elif REFUSED[case] is not None:
        np.savez(bad, **REFUSED[case])
    assert main(["measure", "vectors", str(bad), str(good)]) == 1
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 1 and err.startswith("Error: ") and "bad.np" in err and "never run" not in out


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "int32", ">f4", "longdouble"])
def test_any_real_numbers_are_reckoned_with_in_float64(tmp_path, kind):
    """Norms of float16 vectors overflow beyond 65504: cosine_shuffled came out as -.03 where .74 is right."""
    rng = np.random.default_rng(1)
    rows = np.rint(300 + 60 * rng.normal(size=(12, 600)))  # norms of 7,500: their squares are no float16
    other = np.rint(300 + 60 * rng.normal(size=(12, 600)))
    names = np.array([f"n{i}".encode() for i in range(12)])  # bytes name the same as text
    np.savez(tmp_path / "a.npz", vectors=rows.astype(kind), names=names)
    np.savez(tmp_path / "b.npz", vectors=other.astype(kind), names=names.astype(str))
    found = evaluate(load_vectors(tmp_path / "a.npz"), load_vectors(tmp_path / "b.npz"))
    exact = {"vectors": rows, "names": names.astype(str)}, {"vectors": other, "names": names.astype(str)}
    assert {k: v.value for k, v in found.items()} == pytest.approx(
        {k: v.value for k, v in evaluate(*exact).items()}, rel=1e-3, nan_ok=True
    )
    assert found["cosine_shuffled"].value == pytest.approx(300**2 / (300**2 + 60**2), abs=0.005)


def test_a_bare_npy_is_its_vectors(tmp_path, capsys):
    np.save(tmp_path / "a.npy", ROWS.astype(np.float32))
    np.savez(tmp_path / "b.npz", vectors=ROWS)
    assert main(["measure", "vectors", str(tmp_path / "a.npy"), str(tmp_path / "b.npz"), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["sets"]["a"]["frechet_distance"]["value"] == pytest.approx(0, abs=1e-6)
    assert "no names" in shown["notes"][0]


def test_names_that_do_not_match_leave_it_undefined(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", vectors=ROWS, logits=ROWS, names=NAMES)
    np.savez(tmp_path / "b.npz", vectors=ROWS, logits=ROWS, names=np.char.add("x", NAMES))
    assert main(["measure", "vectors", str(tmp_path / "a.npz"), str(tmp_path / "b.npz"), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    scores = shown["sets"]["a"]
    assert [scores[name]["value"] for name in ("kl_softmax", "kl_sigmoid", "cosine")] == [None] * 3
    assert "0 of 6 names match" in shown["notes"][0]


def test_large_logits_make_no_noise(tmp_path, recwarn):
    logits = np.eye(12) * 4000 - 2000
    np.savez(tmp_path / "a.npz", logits=logits, names=np.arange(12))
    side = load_vectors(tmp_path / "a.npz")
    found = evaluate(side, side)
    assert found["kl_sigmoid"].value == pytest.approx(0, abs=1e-4) and np.isfinite(found["inception_score_mean"].value)
    assert not recwarn.list


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not beside this checkout")
def test_the_cases():
    half, exact = (
        evaluate(*(load_vectors(CASES / "float16" / f"{name}.npz") for name in pair))["cosine_shuffled"].value
        for pair in (("float16", "reference16"), ("float64", "reference"))
    )
    assert half == pytest.approx(exact, abs=0.01)
    assert evaluate(load_vectors(CASES / "a.npy"), load_vectors(CASES / "b.npz"))


def test_nobody_is_told_to_open_a_pickle(tmp_path):
    (tmp_path / "a.npy").write_text("1,2\n")
    with pytest.raises(InputError) as refused:
        load_vectors(tmp_path / "a.npy")
    assert "Python objects" in str(refused.value) and "allow_pickle" not in str(refused.value)
