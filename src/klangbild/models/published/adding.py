"""Downloads of others, each as it is -> one folder that an engine plays: what `klangbild models add` does for the published systems.

A download is known by what is in it, not by its name: a repository of the hub (its id, its folder, or its folder in the hub's cache), or a
file. Files are linked where the disk can, else copied. What comes later joins the model of that name. What is in a model's folder:
`where.py`; who writes it: `art2mus/add.py`, `melfusion/add.py`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from klangbild import hub
from klangbild.errors import InputError, KlangbildError, NotAvailableError, UsageError
from klangbild.hub_quiet import quiet_libraries
from klangbild.models import fetch
from klangbild.models.published import where
from klangbild.models.published.licences import KNOWN, Licence, licence_of, show_licences
from klangbild.models.published.weight_files import read_state_dict

PARTS_OF = {
    "art2mus": ("audioldm2", "imagebind", "projection"),
    "melfusion": ("audioldm", "tango", "music", "tokenizer", "stable-diffusion", "synapses"),
}
"""The downloads that a model of each kind is made of, in the order in which they are written."""
TOKENIZER_FILES = ("tokenizer.json", "spiece.model")
_LICENCES = {
    "audioldm2": "cvssp/audioldm2", "imagebind": "imagebind_huge", "projection": "art2mus_img_proj_layer", "tango": where.TANGO_ID,
    "audioldm": "cvssp/audioldm-s-full-v2", "stable-diffusion": where.IMAGE_ID, "tokenizer": where.TOKENIZER_ID,
}  # fmt: skip
_CALLED = {
    "audioldm2": "AudioLDM 2", "imagebind": "ImageBind", "projection": "Art2Mus's projection", "tango": "Tango",
    "music": "a music network in diffusers' layout", "audioldm": "AudioLDM", "tokenizer": "a tokenizer",
    "stable-diffusion": "Stable Diffusion", "synapses": "synapses",
}  # fmt: skip
_PROJECTION = {"projection1.weight", "projection2.weight"}
_SETTINGS, _WEIGHTS = (".json", ".txt", ".model"), (".safetensors", ".bin")
_VARIANTS = (".fp16", ".non_ema")

Room = Callable[[str], Path]
"""Where a part of the model goes; raises UsageError: it is there already."""


@dataclass(frozen=True)
class Download:
    """One of what was given. kind: of `PARTS_OF`. path: its folder or file. origin: how it was named."""

    kind: str
    path: Path
    origin: str

    @property
    def licence(self) -> Licence:
        """As its folder says, else as it is known for what it is."""
        stated = licence_of(self.origin, self.path if self.path.is_dir() else None)
        if stated.name != "licence not stated" or self.kind not in _LICENCES:
            return stated
        return replace(KNOWN[_LICENCES[self.kind]], weights=self.path.name)


def join(
    kind: str,
    downloads: Iterable[Download],
    write: Callable[[Download, Path, Room], list[str]],
    *,
    name: str | None = None,
    overwrite: bool = False,
) -> hub.ModelFolder:
    """Downloads -> an added model of this kind, or what they add to the one of that name.

    Args:
        kind: "art2mus" or "melfusion"; also the model's name, unless one is given.
        downloads: of `recognise`.
        write: (a download, the model's folder, where a part goes) -> the names of the parts that it wrote.
        name: of the model.
        overwrite: parts that the model has are replaced, and a model of another kind.

    Raises:
        InputError: a download is damaged, refused, or of something else. NotAvailableError: a part is missing. UsageError: the model has
            this part, or is of another kind. OutputError: it cannot be written.
    """
    quiet_libraries()
    downloads = sorted(downloads, key=lambda download: _place_in(kind, download))
    target = hub.models_home() / hub.check_name(name or kind)
    former = _former(target, kind, overwrite=overwrite)
    show_licences(download.licence for download in downloads)
    facts: dict[str, Any] = dict(former.config.get("downloads", {})) if former else {}
    config: dict[str, Any] = {"kind": kind, "name": target.name, "downloads": facts}

    def write_all(out: Path) -> None:
        for file in former.config["files"] if former else ():
            if file != hub.CARD:
                place(former.path / file, out / file)
        for download in downloads:
            room = _room_in(out, download, overwrite=overwrite)
            for part in write(download, out, room):
                licence = download.licence
                told = {"licence": licence.name, "commercial": bool(licence.commercial)}
                facts[part] = {"origin": _told_origin(download), **told}
        config.update(_summary(facts))

    whole = former is not None or overwrite
    return hub.save_pretrained(target, config, lambda: _card(config), write_all, overwrite=whole)


def recognise(source: str) -> list[Download]:
    """What lies at a path or behind a hub id; a folder of several of them gives each.

    Raises:
        NotAvailableError: there is no such thing. InputError: it is none of what is known here.
    """
    path = Path(source)
    if hub.is_hub_id(source):
        path = fetch.fetch_model(fetch.identify(source))
    elif not path.exists():
        raise NotAvailableError(f"--from {source}: there is no such folder or file; give one, or an id like owner/name")
    if path.is_file():
        return [_file(path, source)]
    path = hub.snapshot_in(path)
    if (path / "model_config.pt").is_file():
        raise UsageError(
            f"{source}: is a model of ARIA or midi-emotion; run: klangbild models add aria --from {source}"
        )
    inside = [path / name for name in ("music", "image", "synapses") if (path / name).is_dir()]
    if inside:
        return [found for part in inside for found in recognise(str(part))]
    if (path / where.TANGO_CONFIG).is_file():
        return [Download("tango", path, source)]
    if (path / where.SYNAPSE_JSON).is_file():
        return [Download("synapses", path, source)]
    files = [file for file in sorted(path.iterdir()) if file.suffix in (".pth", ".pt") and file.is_file()]
    if (path / "unet").is_dir():
        known = (where.IMAGEBIND_FILE, *where.PROJECTION_FILES.values())
        beside = [_file(file, str(file)) for file in files if file.name in known]
        return [Download(_kind_of_diffusers(path), path, source), *beside]
    beside = [_file(file, str(file)) for file in files]
    if beside:
        return beside
    for folder in (path, path / "tokenizer"):
        if any((folder / name).is_file() for name in TOKENIZER_FILES):
            return [Download("tokenizer", folder, source)]
    raise InputError(f"{source}: is none of these: {'; '.join(where.FROM.values())}")


def _file(path: Path, origin: str) -> Download:
    """A file of weights. Raises InputError."""
    if path.name.startswith("pytorch_model_main") or path.name == where.TANGO_CONFIG:
        return Download("tango", path.parent, origin)
    names = read_state_dict(path).keys()
    if names >= _PROJECTION:
        return Download("projection", path, origin)
    if any(name.startswith("modality_trunks.vision.") for name in names):
        return Download("imagebind", path, origin)
    raise InputError(f"{path}: is neither ImageBind nor a projection of Art2Mus; what can be added: docs/published.md")


def _kind_of_diffusers(path: Path) -> str:
    """What a folder with a UNet is. Raises InputError: parts are missing, or it is of a system that is not known here."""
    if (path / "projection_model").is_dir() or (path / "language_model").is_dir():
        _need(path, where.AUDIOLDM2_PARTS, "audioldm2")
        return "audioldm2"
    unet = where.read_json(path / "unet" / "config.json")
    if unet.get("class_embed_type"):
        return "audioldm"
    if (path / "vocoder").is_dir():
        _need(path, tuple(part for part in where.MUSIC_PARTS if part != "tokenizer"), "tango")
        return "music"
    if int(unet.get("in_channels") or 0) == 4:
        _need(path, where.IMAGE_PARTS, "stable-diffusion")
        return "stable-diffusion"
    raise InputError(f"{path}: is none of these: {'; '.join(where.FROM.values())}")


def _need(path: Path, parts: tuple[str, ...], kind: str) -> None:
    missing = [part for part in parts if not (path / part).is_dir()]
    if missing:
        raise InputError(f"{path}: has no folder {missing[0]!r}, which belongs to {where.FROM[kind]}; fetch it whole")


def take(part: Path, target: Path) -> None:
    """A part's settings and weights: safetensors where there are both, and of variants the one without a name."""
    files = [file for file in sorted(part.iterdir()) if file.is_file()]
    weights = [file for file in files if file.suffix in _WEIGHTS]
    plain = [file for file in weights if not any(variant in file.name for variant in _VARIANTS)]
    chosen = plain or weights
    safe = [file for file in chosen if file.suffix == ".safetensors"]
    for file in safe or chosen:
        name = file.name
        for variant in () if plain else _VARIANTS:
            name = name.replace(variant, "")
        place(file, target / name)
    for file in files:
        index_of_others = bool(safe) and file.name.endswith(".bin.index.json")
        if file.suffix in _SETTINGS and not index_of_others:
            place(file, target / file.name)


def place(file: Path, target: Path) -> None:
    """A file's content under another name: a second name for it where the disk can, else a copy. Links are followed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file.resolve(), target)
    except OSError:
        shutil.copyfile(file, target)


def _place_in(kind: str, download: Download) -> int:
    """Its turn. Raises UsageError: it is no part of a model of this kind."""
    if download.kind in PARTS_OF[kind]:
        return PARTS_OF[kind].index(download.kind)
    other = next(name for name, parts in PARTS_OF.items() if download.kind in parts)
    raise UsageError(
        f"{download.origin}: is {_CALLED[download.kind]}, a part of {other}; run: klangbild models add {other} --from "
        f"{download.origin}"
    )


def _room_in(out: Path, download: Download, *, overwrite: bool) -> Room:
    def room(part: str) -> Path:
        there = out / part
        if there.exists():
            if not overwrite:
                raise UsageError(f"{download.origin}: the model has {part} already; give --overwrite to replace it")
            shutil.rmtree(there) if there.is_dir() else there.unlink()
        return there

    return room


def _former(target: Path, kind: str, *, overwrite: bool) -> hub.ModelFolder | None:
    """The model that the downloads join. Raises UsageError: one of another kind has the name."""
    if not os.path.lexists(target):
        return None
    try:
        former = hub.from_pretrained(target)
    except KlangbildError:
        if overwrite:
            return None
        raise
    if former.kind == kind:
        return former
    if overwrite:
        return None
    raise UsageError(
        f"--name {target.name}: is a model of kind {former.kind}; give another --name, or --overwrite to replace it"
    )


def _told_origin(download: Download) -> str:
    if hub.is_hub_id(download.origin):
        return f"hub: {download.origin}"
    return download.path.name


def _summary(facts: dict[str, Any]) -> dict[str, Any]:
    """Origin, licence and use of the whole: as narrow as its narrowest part."""
    licences = list(dict.fromkeys(fact["licence"] for fact in facts.values()))
    free = all(fact["commercial"] for fact in facts.values())
    return {
        "origin": "; ".join(dict.fromkeys(f"{part} from {fact['origin']}" for part, fact in facts.items())),
        "licence": "; ".join(licences),
        "commercial": free,
        "output_use": "commercial use allowed"
        if free
        else "private, teaching and research use; not for sale or advertising",
    }


def _card(config: dict[str, Any]) -> str:
    """The model's README."""
    rows = [f"| `{part}` | {fact['origin']} | {fact['licence']} |" for part, fact in config["downloads"].items()]
    lines = [
        f"# {config['name']}",
        "",
        f"Downloads of others, put together by klangbild for `--engine {config['kind']}`.",
        "",
        "| part | from | licence |",
        "|---|---|---|",
        *rows,
        "",
        f"- What its music may be used for: {config['output_use']}.",
    ]
    return "\n".join([*lines, ""])
