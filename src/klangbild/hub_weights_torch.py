"""Weights and settings of others, read without running code of others: safetensors, or torch files of tensors and plain values.

What a file is, its first bytes say, not its name. What training programs put around weights is taken off: {"state_dict": ...}
and its like, and the `module.` (DataParallel) and `_orig_mod.` (torch.compile) in front of names. A pickle may also hold
numpy's scalars and dtypes, paths and Namespaces, as configs do: stand-ins below read them, so that nothing of those libraries
is called with what a stranger wrote.
"""

from __future__ import annotations

import argparse
import pickle
import sys
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from klangbild.errors import InputError

WRAPPERS = ("state_dict", "model_state_dict", "model", "module", "net", "network", "weights", "params")
AVERAGED = ("ema", "ema_state_dict", "model_ema", "ema_model", "ema_params", "average", "shadow")
"""Names for a moving average of the weights; taken where nothing of `WRAPPERS` is there."""
_AROUND = ("module", "_orig_mod")
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_MAX_HEADER = 100 * 2**20  # safetensors' own limit
_NUMBERS = {
    f"{kind}{size}" for kind, sizes in (("f", "248"), ("i", "1248"), ("u", "1248"), ("b", "1")) for size in sizes
}


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The weights in a file, by their names in the network: wrappers and prefixes taken off, on the CPU.

    Raises:
        InputError: it cannot be read, is damaged, would run code (then it is not opened), or holds no set of tensors.
    """
    return plain_tensors(read_content(path), where=path)


def read_settings(path: Path) -> dict[Any, Any]:
    """The settings or tables in a file. Raises InputError: as `read_tensors`; it holds no dictionary."""
    content = read_content(path)
    content = vars(content) if isinstance(content, argparse.Namespace) else content
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no settings or tables; is it a file of another model?")
    return content


def read_content(path: Path) -> Any:
    """All that a file holds: tensors by name of safetensors, whatever plain values a torch file has.

    Raises:
        InputError: it cannot be read, is damaged, or would run code (then it is not opened).
    """
    try:
        with path.open("rb") as file:
            head = file.read(64)
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    if head.startswith(b"version https://git-lfs"):
        raise InputError(f"{path}: is a pointer of git-lfs, not the file itself; run: git lfs pull")
    if head.lstrip().startswith(b"<"):
        raise InputError(f"{path}: is a web page, not weights; fetch the file itself")
    if 2 <= int.from_bytes(head[:8], "little") <= min(_MAX_HEADER, size) and head[8:9] == b"{":
        return _read_safetensors(path)
    if head.startswith(b"PK"):
        _refuse_packed(path, size)
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_STAND_INS):
            warnings.simplefilter("ignore")  # of torch to programmers, about its own file formats
            return torch.load(path, map_location="cpu", weights_only=True, mmap=head.startswith(b"PK"))
    except Exception as error:  # noqa: BLE001 - its restricted unpickler and zip reader raise a dozen kinds
        told = str(error)
        if isinstance(error, pickle.UnpicklingError) and ("GLOBAL" in told or "unrecognized function" in told):
            raise InputError(
                f"{path}: refused, it holds more than tensors and could run code when opened; get the model from its "
                "authors, or ask them for safetensors"
            ) from None
        if "TorchScript" in told:
            raise InputError(
                f"{path}: refused, it is a TorchScript archive, which holds code; ask for safetensors"
            ) from None
        raise InputError(f"{path}: is not a torch file, or is damaged or cut off; fetch it again") from None


def plain_tensors(content: Any, *, where: Path | str) -> dict[str, Tensor]:
    """What a file holds -> the tensors in it by name. Raises InputError: there is no set of tensors in it."""
    refusal = InputError(f"{where}: holds no plain set of tensors; save `model.state_dict()`")
    for _ in range(8):  # wrappers in wrappers
        if not isinstance(content, Mapping) or not content:
            raise refusal
        if all(isinstance(value, Tensor) for value in content.values()):
            break
        inner = [name for name in (*WRAPPERS, *AVERAGED) if isinstance(content.get(name), Mapping)]
        if not inner:
            raise refusal
        beside = [name for name in inner[1:] if name in AVERAGED]
        if beside:
            print(f"{where}: its {inner[0]!r} is read; {beside[0]!r}, an average, is left aside", file=sys.stderr)
        content = content[inner[0]]
    else:
        raise refusal
    if not all(isinstance(name, str) for name in content):
        raise refusal
    for name, tensor in content.items():
        if tensor.layout is not torch.strided or tensor.device.type != "cpu":
            raise InputError(f"{where}: {name} is {tensor.layout} on {tensor.device}; save plain tensors")
        if tensor.is_quantized or (tensor.is_floating_point() and tensor.dtype not in _FLOATS):
            raise InputError(
                f"{where}: {name} is {tensor.dtype}, which means nothing without its scale; save float16 or wider"
            )
    return _names_of_the_network(dict(content), where=where)


def _names_of_the_network(state: dict[str, Tensor], *, where: Path | str) -> dict[str, Tensor]:
    state = {name: tensor for name, tensor in state.items() if name != "n_averaged"}  # of torch's AveragedModel
    plain: dict[str, Tensor] = {}
    for name, tensor in state.items():
        own = ".".join(part for part in name.split(".") if part not in _AROUND)
        if own in plain:
            raise InputError(f"{where}: holds {own} twice, with and without a prefix; save one model alone")
        plain[own] = tensor
    while plain and all(name.startswith("model.") for name in plain):  # Lightning's
        plain = {name.removeprefix("model."): tensor for name, tensor in plain.items()}
    return plain


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors.torch import load_file

        return load_file(path)
    except ModuleNotFoundError:
        raise InputError(f'{path}: reading it needs safetensors; run: pip install "klangbild[train]"') from None
    except Exception as error:  # noqa: BLE001 - beside its own error, KeyError for kinds of numbers that torch lacks
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: damaged safetensors file ({first[:160]}); fetch it again") from None


def _refuse_packed(path: Path, size: int) -> None:
    """torch never packs what it writes: a small file that unpacks to a large one is no accident."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except Exception:  # noqa: BLE001 - zipfile raises half a dozen kinds on damaged archives
        raise InputError(f"{path}: is not a torch file, or is damaged or cut off; fetch it again") from None
    if unpacked > size:
        raise InputError(f"{path}: refused, it unpacks to more than itself, which no torch file does; fetch it again")


class _NumpyDtype:
    """numpy.dtype as pickles build it."""

    code, order = "", "<"

    def __init__(self, code: Any = "", *_: Any) -> None:
        self.code = str(code)

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, tuple) and len(state) > 1 and state[1] == ">":
            self.order = ">"


class _NumpyArray:
    """numpy.ndarray as pickles build it; its numbers are left unread: no setting of ours is an array."""

    def __init__(self, *_: Any) -> None: ...

    def __setstate__(self, state: Any) -> None: ...


def _numpy_scalar(dtype: Any, data: Any = b"") -> Any:
    """numpy's scalar -> Python's own number or text."""
    if not isinstance(dtype, _NumpyDtype) or not isinstance(data, bytes):
        raise pickle.UnpicklingError("a numpy scalar without its type")
    if dtype.code in _NUMBERS:
        return np.frombuffer(data, dtype.order + dtype.code, count=1)[0].item()
    if dtype.code.startswith("U"):
        return data.decode("utf-32-be" if dtype.order == ">" else "utf-32-le").rstrip("\0")
    if dtype.code.startswith("S"):
        return data.rstrip(b"\0")
    raise pickle.UnpicklingError("a numpy scalar of an unknown type")


def _path(*parts: Any) -> str:
    return "/".join(str(part) for part in parts)


_STAND_INS: list[Any] = [
    argparse.Namespace,
    (_NumpyDtype, "numpy.dtype"),
    (_NumpyArray, "numpy.ndarray"),
    *((_numpy_scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
    *((_NumpyArray, f"numpy.{core}.multiarray._reconstruct") for core in ("core", "_core")),
    *((_path, f"pathlib.{kind}") for kind in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")),
]
