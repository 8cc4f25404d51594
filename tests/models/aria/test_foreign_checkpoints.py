"""Checkpoints as training programs really leave them are read; what is damaged or sent in bad faith is one line."""

import argparse
import json
import pathlib
import random
import zipfile

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
from published_checkpoints import write_checkpoint  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from klangbild.cli.main import main  # noqa: E402
from klangbild.errors import InputError  # noqa: E402
from klangbild.hub_weights_torch import read_content, read_settings, read_tensors  # noqa: E402
from klangbild.models.aria import card as hub_aria  # noqa: E402
from klangbild.models.aria.convert_torch import read_checkpoint, read_sizes  # noqa: E402

TINY = {"n_layer": 1, "n_head": 2, "d_model": 16, "d_inner": 8}


def prefixed(prefix):
    return lambda state: {prefix + name: tensor for name, tensor in state.items()}


FORMS = {
    "module.": prefixed("module."),
    "_orig_mod.": prefixed("_orig_mod."),
    "both": prefixed("module._orig_mod."),
    "both, the other way": prefixed("_orig_mod.module."),
    "compiled inside": lambda state: {n.replace("enc_layers.", "enc_layers._orig_mod."): t for n, t in state.items()},
    "state_dict": lambda state: {"state_dict": state, "epoch": 3},
    "model": lambda state: {"model": prefixed("module.")(state), "optimizer": {"state": {}, "param_groups": []}},
    "model_state_dict": lambda state: {"model_state_dict": state, "loss": np.float64(0.5)},
    "Lightning": lambda state: {"state_dict": prefixed("model.")(state), "hyper_parameters": {"lr": 1e-4}},
    "ema": lambda state: {"ema": state},
    "ema of ema": lambda state: {"ema": {"module": state, "decay": 0.999}},
    "shadow": lambda state: {"ema": {"shadow": state, "decay": np.float32(0.999)}},
    "averaged": lambda state: {**prefixed("module.")(state), "n_averaged": torch.tensor(7)},
    "parameters": lambda state: {n: torch.nn.Parameter(t) for n, t in state.items()},
    "half": lambda state: {n: t.half().double() for n, t in state.items()},
}


@pytest.mark.parametrize("form", FORMS)
def test_wrappers_and_prefixes_are_taken_off(checkpoint, form):
    folder, network = checkpoint("continuous_concat", **TINY)
    torch.save(FORMS[form](network.state_dict()), folder / "model.pt")
    read = read_checkpoint(folder).state
    assert read.keys() == network.state_dict().keys()
    for name, tensor in network.state_dict().items():
        assert torch.allclose(read[name], tensor, atol=2e-3 if form == "half" else 0)


def test_safetensors_in_place_of_a_pickle(checkpoint, models_home, capsys):
    folder, network = checkpoint("none", **TINY)
    save_file(prefixed("module.")(network.state_dict()), folder / "model.safetensors")
    (folder / "model.pt").write_bytes(b"damaged; safetensors go first")
    assert main(["models", "add", "aria", "--from", str(folder.parent)]) == 0
    (folder / "model.safetensors").rename(folder / "model.pt")  # what a file is, its bytes say
    assert torch.equal(read_checkpoint(folder).state["fc.bias"], network.state_dict()["fc.bias"])
    save_file({"a": torch.zeros(1)}, folder / "model_config.pt")
    with pytest.raises(InputError, match="lacks conditioning"):
        read_sizes(folder)


def test_numpy_scalars_in_a_config(checkpoint, tmp_path):
    folder, _ = checkpoint("none", **TINY)
    told = torch.load(folder / "model_config.pt", weights_only=True)
    odd = {
        **{key: np.int64(value) if isinstance(value, int) else value for key, value in told.items()},
        "conditioning": np.str_("none"), "dropout": np.float32(0.25), "no_pad": np.bool_(True), "work_dir": pathlib.Path("runs") / "a",
        "big": np.dtype(">f8").type(2), "history": np.zeros(3), "kind": np.dtype("float32"), "raw": np.bytes_(b"x"),
    }  # fmt: skip
    torch.save(odd, folder / "model_config.pt")
    sizes, read = read_sizes(folder)
    assert sizes.n_layer == 1 and type(sizes.n_layer) is int and sizes.dropout == 0.25
    assert read["conditioning"] == "none" and read["no_pad"] is True and read["big"] == 2.0 and read["raw"] == b"x"
    torch.save(argparse.Namespace(**odd), folder / "model_config.pt")
    assert read_sizes(folder)[0] == sizes
    old = (folder / "model_config.pt").read_bytes()  # numpy 1 wrote another name, one byte shorter
    assert b"numpy._core" in old or b"numpy.core" in old


class Runs:
    """What a pickle in bad faith asks for; `reduce` is what is called on opening."""

    def __init__(self, call, *args):
        self.call, self.args = call, args

    def __reduce__(self):
        return self.call, self.args


@pytest.mark.parametrize("call", [print, eval, exec, pathlib.Path.cwd, np.load, np.array, getattr, open, torch.load])
def test_code_in_a_pickle_is_never_run(tmp_path, capsys, call):
    torch.save({"weights": torch.zeros(2), "x": Runs(call, "print('run')")}, tmp_path / "bad.pt")
    with pytest.raises(InputError, match="could run code"):
        read_content(tmp_path / "bad.pt")
    assert capsys.readouterr().out == ""


def test_numpy_itself_is_never_called(tmp_path, monkeypatch):
    scalar = np.float64(1).__reduce__()[0]
    for args in ((np.dtype("O"), [1]), (np.dtype([("a", "O")]), b"\0" * 8), (np.dtype("f8"), b"\0"), ("f8", b"\0" * 8)):
        torch.save({"x": Runs(scalar, *args)}, tmp_path / "odd.pt")
        with pytest.raises(InputError):
            read_content(tmp_path / "odd.pt")


def test_files_that_are_something_else(tmp_path):
    path = tmp_path / "model.pt"
    for data, told in (
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git-lfs"),
        (b"\n<!DOCTYPE html><html>", "web page"),
        (b"\x10\0\0\0\0\0\0\0{" + b" " * 40, "damaged"),
        (b"", "damaged"),
        (b"PK\3\4", "damaged"),
    ):
        path.write_bytes(data)
        with pytest.raises(InputError, match=told):
            read_tensors(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(10**6))
    with pytest.raises(InputError, match="unpacks to more"):
        read_tensors(path)
    torch.jit.script(torch.nn.Linear(1, 1)).save(path)
    with pytest.raises(InputError, match="TorchScript"):
        read_tensors(path)
    for content in (
        {},
        [1],
        {"model": {}},
        {"model": [1]},
        {"a": torch.zeros(1), "b": 2},
        {1: torch.zeros(1)},
        torch.zeros(1),
    ):
        torch.save(content, path)
        with pytest.raises(InputError, match="plain set"):
            read_tensors(path)
    torch.save({"a": torch.zeros(1), "module.a": torch.ones(1)}, path)
    with pytest.raises(InputError, match="twice"):
        read_tensors(path)
    torch.save({"a": torch.eye(2).to_sparse()}, path)
    with pytest.raises(InputError, match="sparse"):
        read_tensors(path)
    torch.save([1], path)
    with pytest.raises(InputError, match="settings"):
        read_settings(path)


def test_sizes_of_terabytes_are_refused(checkpoint):
    folder, _ = checkpoint("none", **TINY)
    told = torch.load(folder / "model_config.pt", weights_only=True)
    for key, value in (
        ("n_layer", 10**9),
        ("d_model", 10**7),
        ("n_head", True),
        ("d_inner", 1.5),
        ("conditioning", ["none"]),
    ):
        torch.save({**told, key: value}, folder / "model_config.pt")
        with pytest.raises(InputError):
            read_sizes(folder)


def mutated(data: bytes, dice: random.Random) -> bytes:
    """Bytes as a bad cable, a full disk or a joker leaves them."""
    out = bytearray(data)
    kind = dice.randrange(5)
    if kind == 0:
        return bytes(out[: dice.randrange(len(out) + 1)])
    if kind == 1:
        at = dice.randrange(len(out) + 1)
        return bytes(out[:at] + dice.randbytes(dice.randrange(1, 40)) + out[at:])
    if kind == 2:
        at = dice.randrange(len(out))
        del out[at : at + dice.randrange(1, 200)]
        return bytes(out)
    for _ in range(dice.choice((1, 3, 30))):
        out[dice.randrange(min(len(out), 4000) if kind == 3 else len(out))] = dice.randrange(256)
    return bytes(out)


def fuzz(tmp_path, capsys, cases, seed=0):
    """`models add` on mutated files of a tiny checkpoint; gives how often each exit code came."""
    source, home = tmp_path / "source", tmp_path / "models"
    write_checkpoint(source, "none", **TINY)
    state = torch.load(source / "model.pt", weights_only=True)
    save_file(state, source / "model.safetensors")
    whole = {path.name: path.read_bytes() for path in source.iterdir()}
    dice, codes = random.Random(seed), {}
    for case in range(cases):
        name = dice.choice(sorted(whole))
        for other, data in whole.items():
            (source / other).write_bytes(data)
        if name == "model.pt":
            (source / "model.safetensors").unlink()
        (source / name).write_bytes(mutated(whole[name], dice))
        capsys.readouterr()
        code = main(["models", "add", "aria", "--from", str(source), "--overwrite"])
        out, err = capsys.readouterr()
        codes[code] = codes.get(code, 0) + 1
        assert code in (0, 1), (case, name, code, err)
        if code:
            told = err.replace(hub_aria.NOTICE, "").strip()
            assert told.startswith("Error: ") and len(told.splitlines()) == 1 and not out, (case, name, err)
        assert not list(home.glob(".*")), (case, name)
    return codes


def test_mutated_checkpoints(tmp_path, models_home, capsys):
    codes = fuzz(tmp_path, capsys, cases=40)
    assert codes[1] > 10  # and those that still fit are added whole
    if codes.get(0):
        assert json.loads((models_home / "aria" / "config.json").read_text())["kind"] == hub_aria.KIND


@pytest.mark.parametrize("kind", ["float8_e4m3fn", "float8_e5m2", "quantized", "too large for float32"])
def test_numbers_that_no_network_here_computes_with(checkpoint, models_home, capsys, kind):
    folder, network = checkpoint("none", **TINY)
    state = network.state_dict()
    name = next(name for name, tensor in state.items() if tensor.is_floating_point())
    if kind == "quantized":
        state[name] = torch.quantize_per_tensor(state[name].float(), 0.1, 0, torch.qint8)
    elif kind == "too large for float32":
        state[name] = torch.full_like(state[name], 1e300, dtype=torch.float64)
    else:
        state[name] = state[name].to(getattr(torch, kind))
    torch.save(state, folder / "model.pt")
    assert main(["models", "add", "aria", "--from", str(folder.parent)]) == 1
    told = capsys.readouterr().err.splitlines()[-1]
    assert name in told and ("infinity" in told if kind == "too large for float32" else "float16 or wider" in told)
