"""`klangbild models add melfusion` (or tango): Tango, Stable Diffusion and synapses, as they are, in one folder.

Only Tango's files, which diffusers' classes do not read, are translated (`tango.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from klangbild import hub
from klangbild.errors import InputError, NotAvailableError
from klangbild.models.published import where
from klangbild.models.published.adding import TOKENIZER_FILES, Download, Room, join, place, recognise, take
from klangbild.models.published.melfusion import tango

NAME = "melfusion"
_OTHER_TOKENIZERS = ("Roberta", "CLIP", "Bert", "GPT2", "Llama")


def add(sources: Sequence[str], *, name: str | None = None, overwrite: bool = False) -> hub.ModelFolder:
    """Folders, files and hub ids -> the added model "melfusion", or one of another name. Raises as `adding.join`."""
    downloads = [found for source in sources for found in recognise(source)]
    downloads += _cached_tokenizer(downloads, hub.models_home() / (name or NAME))
    return join(NAME, downloads, partial(_write, downloads=downloads), name=name, overwrite=overwrite)


def _cached_tokenizer(downloads: list[Download], target: Path) -> list[Download]:
    """With Tango, which has none, comes the tokenizer that it names, where the hub's cache has it."""
    kinds = {download.kind for download in downloads}
    if "tango" not in kinds or "tokenizer" in kinds or (target / "music" / "tokenizer").is_dir():
        return []
    try:
        found = where.find_folder(where.TOKENIZER_ID)
    except NotAvailableError:
        return []
    there = any((found / name).is_file() for name in TOKENIZER_FILES)
    return [Download("tokenizer", found, where.TOKENIZER_ID)] if there else []


def _write(download: Download, out: Path, room: Room, *, downloads: list[Download]) -> list[str]:
    kind, path = download.kind, download.path
    if kind == "audioldm":
        if not any(other.kind == "tango" and not tango.has_vae(other.path) for other in downloads):
            where.refuse_audioldm(path / "unet")
        return []
    if kind == "tango":
        return _write_tango(path, room, downloads)
    if kind == "tokenizer":
        named = str(where.read_json(path / "tokenizer_config.json").get("tokenizer_class", ""))
        if any(other in named for other in _OTHER_TOKENIZERS):
            raise InputError(f"{path}: is a {named}, and Tango reads {where.FROM['tokenizer']}")
        target = room("music/tokenizer")
        for file in path.iterdir():
            if file.is_file() and file.suffix in (".json", ".txt", ".model") and file.name != "config.json":
                place(file, target / file.name)
        return ["music/tokenizer"]
    if kind == "synapses":
        target = room("synapses")
        take(path, target)
        if (path / "unet").is_dir():
            take(path / "unet", target / "unet")
        return ["synapses"]
    target = room("music" if kind == "music" else "image")
    wanted = where.MUSIC_PARTS if kind == "music" else (*where.IMAGE_PARTS, "text_encoder", "tokenizer")
    for part in wanted:
        if (path / part).is_dir():
            take(path / part, target / part)
    return [target.name]


def _write_tango(path: Path, room: Room, downloads: list[Download]) -> list[str]:
    codec = next((other.path for other in downloads if other.kind == "audioldm"), None)
    if codec is None and not tango.has_vae(path):
        raise NotAvailableError(
            f"{path}: has no vae_config.json and pytorch_model_vae.bin; fetch them with {where.FROM['tango']}, or give AudioLDM "
            "(hub: cvssp/audioldm-s-full-v2), whose VAE and vocoder are the same, as one more --from"
        )
    music = room("music")
    alphas = tango.write_music(path, music)
    if not tango.has_vae(path) and codec is not None:
        for part in ("vae", "vocoder"):
            take(codec / part, music / part)
    return ["music", "synapses"] if alphas else ["music"]
