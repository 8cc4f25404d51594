"""`klangbild models add art2mus`: AudioLDM 2, ImageBind and Art2Mus's projections, as they are, in one folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from klangbild import hub
from klangbild.errors import InputError
from klangbild.models.published import where
from klangbild.models.published.adding import Download, Room, join, place, recognise, take
from klangbild.models.published.art2mus.projection import KEYS, TOKEN_DIM
from klangbild.models.published.imagebind.model import ImageBind, ImageBindConfig
from klangbild.models.published.weight_files import read_state_dict


def add(sources: Sequence[str], *, name: str | None = None, overwrite: bool = False) -> hub.ModelFolder:
    """Folders, files and hub ids -> the added model "art2mus", or one of another name. Raises as `adding.join`."""
    downloads = [found for source in sources for found in recognise(source)]
    return join("art2mus", downloads, _write, name=name, overwrite=overwrite)


def _write(download: Download, out: Path, room: Room) -> list[str]:
    path = download.path
    if download.kind == "audioldm2":
        extra = tuple(part for part in ("feature_extractor",) if (path / part).is_dir())
        for part in (*where.AUDIOLDM2_PARTS, *extra):
            take(path / part, room(part))
        return ["AudioLDM 2"]
    if download.kind == "imagebind":
        _check_imagebind(path)
        place(path, room(where.IMAGEBIND_FILE))
        sizes = path.with_suffix(".json")  # of a checkpoint of other sizes
        if sizes.is_file():
            place(sizes, room(Path(where.IMAGEBIND_FILE).with_suffix(".json").name))
        return [where.IMAGEBIND_FILE]
    name = where.PROJECTION_FILES[_tokens_of(path, out)]
    place(path, room(name))
    return [name]


def _check_imagebind(path: Path) -> None:
    """Raises InputError: names or shapes of what sees and hears are not ImageBind's."""
    with torch.device("meta"):
        model = ImageBind(ImageBindConfig.beside(path))
    state = read_state_dict(path)
    for name, shape in model.published_keys().items():
        if name not in state or tuple(state[name].shape) != shape:
            what = f"has shape {tuple(state[name].shape)}, not {shape}" if name in state else "is missing"
            raise InputError(f"{path}: is not {where.IMAGEBIND_FILE}, {name} {what}")


def _tokens_of(path: Path, out: Path) -> int:
    """How many tokens a projection makes. Raises InputError: neither one nor four."""
    width = int(where.read_json(out / "language_model" / "config.json").get("n_embd") or TOKEN_DIM)
    rows = read_state_dict(path)[KEYS[2]].shape[0]
    if rows % width or rows // width not in where.PROJECTION_FILES:
        raise InputError(f"{path}: makes {rows} numbers, which are neither one nor four tokens of {width}")
    return rows // width
