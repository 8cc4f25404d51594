"""Art2Mus as a person uses it: a picture, words, or both go in; candidates of music come out, the best first.

    pipeline = Art2MusPipeline.from_pretrained("cvssp/audioldm2", projection="art2mus_img_proj_layer.pt",
                                               imagebind="imagebind_huge.pth")
    best = pipeline(picture, words="slow and solemn", seconds=10, seed=7)[0]
    best.audio, best.score

The networks are AudioLDM 2's, all frozen; the picture enters through `projection.py`. The weights of AudioLDM 2 and
ImageBind are non-commercial, which is said on loading and refused with `commercial=True`.

Source: Art2Mus, arXiv 2410.04906.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from transformers import ClapFeatureExtractor

from klangbild.errors import NotAvailableError, UsageError
from klangbild.models.published.art2mus.conditioning import NEGATIVE_WORDS, SUPPORT_SENTENCE, Conditioning
from klangbild.models.published.art2mus.parts import Art2MusParts, load_art2mus, predict_noise
from klangbild.models.published.denoise import DEFAULT_STEPS, OnProgress, Solver, combine, denoise, make_solver
from klangbild.models.published.finish import sounds_of
from klangbild.models.published.first_minute import OnPace
from klangbild.models.published.folders import load_component
from klangbild.models.published.imagebind.model import ImageBind, Tower
from klangbild.models.published.licences import KNOWN, Announce, licence_of, show_licences
from klangbild.models.published.placement import Placement, Precision, choose_placement
from klangbild.models.published.ranking import Candidate, CandidateJudge
from klangbild.models.published.where import FROM, IMAGEBIND_FILE, PROJECTION_FILES, find_folder
from klangbild.models.published.windows import over_windows, window_of
from klangbild.picture.picture import Picture

GUIDANCE = 3.5
SECONDS = 10.0


class Art2MusPipeline:
    """The published system. Make one with `from_pretrained`, or from parts (as tests and training do)."""

    def __init__(
        self,
        parts: Art2MusParts,
        *,
        placement: Placement | None = None,
        judge: CandidateJudge | None = None,
        imagebind: Path | None = None,
    ) -> None:
        """imagebind: its checkpoint, loaded when the first picture comes, where `parts` has none."""
        self._imagebind = imagebind
        self.on_pace: OnPace | None = None
        self.placement = placement or choose_placement("cpu")
        self.parts = parts
        self.judge = judge or CandidateJudge(imagebind=parts.imagebind)
        if not self.placement.offload:
            sound = parts.sound
            for module in (*parts.language, parts.unet, sound.vae, sound.vocoder):
                module.to(self.placement.device)
        if self.placement.slicing:
            parts.unet.set_attention_slice("auto")
            parts.sound.vae.enable_slicing()

    @classmethod
    def from_pretrained(
        cls,
        model: str | Path = "cvssp/audioldm2",
        *,
        projection: str | Path | None = None,
        image_tokens: int = 1,
        imagebind: str | Path | None = None,
        device: str = "auto",
        precision: Precision | None = None,
        offload: bool = False,
        slicing: bool = False,
        commercial: bool = False,
        allow_download: bool = False,
        announce: Announce | None = None,
        imagebind_later: bool = False,
    ) -> Art2MusPipeline:
        """Load the system from a folder or the hub's cache.

        Args:
            model: AudioLDM 2 in diffusers' layout.
            projection: the image projection; by default the published file of `image_tokens` in the model's folder.
            image_tokens: 1 (Art2Mus) or 4 (Art2Mus-4).
            imagebind: ImageBind's checkpoint; by default `imagebind_huge.pth` in the model's folder. Without it, picture
                vectors can be given to the call.
            device, precision, offload, slicing: see `placement.py`.
            commercial: refuse weights whose licence forbids commercial use or is not known.
            allow_download: fetch the model if the cache does not have it.
            announce: takes one line a licence; stderr by default.
            imagebind_later: load ImageBind when the first picture comes.

        Raises:
            NotAvailableError: something is not on this machine. UsageError: a wish that cannot be granted.
        """
        placement = choose_placement(device, precision, offload=offload, slicing=slicing)
        name = str(model)
        if commercial and name in KNOWN:  # refuse before fetching gigabytes
            show_licences([KNOWN[name]], commercial=True, announce=announce)
        folder = find_folder(model, allow_download=allow_download)
        projection_file = _existing(projection, folder / PROJECTION_FILES.get(image_tokens, ""), image_tokens)
        imagebind_file = _existing(imagebind, folder / IMAGEBIND_FILE, None)
        licences = [licence_of(name, folder)]
        if projection_file is not None:
            licences.append(replace(licence_of("art2mus_img_proj_layer"), weights=projection_file.name))
        if imagebind_file is not None:
            licences.append(replace(licence_of("imagebind_huge"), weights=imagebind_file.name))
        show_licences(licences, commercial=commercial, announce=announce)
        parts = load_art2mus(
            folder,
            projection=projection_file,
            imagebind=None if imagebind_later else imagebind_file,
            dtype=placement.dtype,
        )
        extractor = None
        if (folder / "feature_extractor").is_dir():
            extractor = load_component(ClapFeatureExtractor, folder, "feature_extractor")
        judge = CandidateJudge(
            imagebind=parts.imagebind,
            clap=parts.encoder.clap,
            clap_tokenizer=parts.encoder.clap_tokenizer,
            clap_features=extractor,
        )
        return cls(parts, placement=placement, judge=judge, imagebind=imagebind_file)

    @torch.inference_mode()
    def __call__(
        self,
        picture: Picture | None = None,
        *,
        image_vector: Tensor | Sequence[float] | None = None,
        words: str | None = None,
        negative: str = NEGATIVE_WORDS,
        support: str = SUPPORT_SENTENCE,
        seconds: float = SECONDS,
        guidance: float = GUIDANCE,
        steps: int | None = None,
        solver: Solver = "ddim",
        candidates: int = 1,
        seed: int = 0,
        on_progress: OnProgress | None = None,
    ) -> list[Candidate]:
        """Compose. Returns the candidates, best first (as drawn where nothing could judge).

        Args:
            picture: what to look at; or
            image_vector: its ImageBind vector, (image_dim,).
            words: what to think of. Picture, words or both.
            negative: what to stay away from.
            support: the sentence that accompanies a picture without words.
            seconds: length; above the network's own window (10.24 s) overlapping windows are denoised together.
            guidance: 1 follows the wish freely, 3.5 is Art2Mus's; higher is stricter.
            steps: of the solver; 200 for "ddim", 25 for "dpm++" by default.
            solver: "ddim" (as published) or "dpm++" (faster).
            candidates: how many to make and rank.
            seed: same seed, same settings, same device: same samples.
            on_progress: (steps done, steps) -> False to stop.

        Raises:
            UsageError: nothing to compose from, or a number out of range. Stopped: by `on_progress`.
        """
        if candidates < 1:
            raise UsageError(f"candidates {candidates} out of range; give 1 or more")
        if guidance < 1:
            raise UsageError(f"guidance {guidance} out of range; give 1 (none) or more")
        if picture is not None and image_vector is None:
            image_vector = self.embed(picture)
        vectors = None if image_vector is None else torch.as_tensor(image_vector, dtype=torch.float32).reshape(1, -1)
        conditioning = self.condition(words, vectors, negative=negative, support=support)
        sides = conditioning.repeat(candidates)
        if guidance == 1:  # the negative side would be computed and thrown away
            sides = Conditioning(*(part.chunk(2)[1] for part in (sides.loa, sides.text, sides.text_mask)))
        sound, unet, device = self.parts.sound, self.parts.unet, self.placement.device
        generator = torch.Generator().manual_seed(seed)
        noise = sound.noise(seconds, candidates, generator).to(device)

        def predict(latents: Tensor, timestep: Tensor) -> Tensor:
            def one_window(part: Tensor) -> Tensor:
                prediction = predict_noise(unet, sides, part, timestep)
                return prediction if guidance == 1 else combine(prediction, guidance)

            return over_windows(one_window, latents, window=window_of(unet))

        with self.placement.at_work(unet):
            latents = denoise(
                noise,
                predict,
                make_solver(self.parts.scheduler, solver),
                n_steps=steps or DEFAULT_STEPS[solver],
                on_progress=on_progress,
                on_pace=self.on_pace,
            )
        audios = sounds_of(latents, sound, self.placement, seconds=seconds)
        return self.judge.ranked(audios, image_vector=vectors, words=words)

    def see(self, *, judging: bool = False) -> bool:
        """Load of ImageBind what sees, and what hears where candidates are to be judged, where it was left for the first picture;
        whether that was now."""
        towers: tuple[Tower, ...] = ("vision", "audio") if judging else ("vision",)
        there = () if self.parts.imagebind is None else self.parts.imagebind.towers
        if self._imagebind is None or set(towers) <= set(there):
            return False
        self.parts = replace(self.parts, imagebind=ImageBind.from_file(self._imagebind, towers=towers))
        self.judge = replace(self.judge, imagebind=self.parts.imagebind)
        return True

    def networks(self) -> dict[str, torch.nn.Module]:
        """What is loaded, by what it is called."""
        language, sound = self.parts.encoder, self.parts.sound
        found: dict[str, torch.nn.Module | None] = {
            "unet": self.parts.unet, "T5": language.t5, "CLAP": language.clap, "GPT-2": language.language_model,
            "vae": sound.vae, "vocoder": sound.vocoder, "ImageBind": self.parts.imagebind,
            "projection": language.projection, "language projection": language.projection_model,
        }  # fmt: skip
        return {name: network for name, network in found.items() if network is not None}

    def can_judge(self, *, picture: bool, words: bool) -> bool:
        """Whether candidates could be ranked: by ImageBind with a picture, by CLAP with words."""
        if picture:
            self.see(judging=True)
        return self.judge.can_judge(picture=picture, words=words)

    def embed(self, picture: Picture) -> Tensor:
        """The picture's ImageBind vector, (image_dim,), unit length; it can be kept and given as `image_vector`."""
        self.see()
        if self.parts.imagebind is None:
            raise NotAvailableError(
                f"{picture.name}: ImageBind is not there, so a picture cannot be seen; it is {FROM['imagebind']}"
            )
        return self.parts.imagebind.embed_pictures([picture.rgb])[0]

    def condition(self, words: str | None, vectors: Tensor | None, *, negative: str, support: str) -> Conditioning:
        """Both sides of the guidance for one wish, on the device. vectors: of the picture, (1, image_dim)."""
        with self.placement.at_work(*self.parts.language):
            device = self.placement.device
            return self.parts.encoder.encode(
                words=None if words is None else [words],
                image_vectors=None if vectors is None else vectors.to(device),
                negative=negative,
                support=support,
            )


def _existing(given: str | Path | None, default: Path, image_tokens: int | None) -> Path | None:
    """The file that was given (must exist), else the default if it exists."""
    if given is not None:
        if not Path(given).is_file():
            raise NotAvailableError(f"{given}: no such weight file; give its path")
        return Path(given)
    if image_tokens is not None and image_tokens not in PROJECTION_FILES:
        raise UsageError(f"image tokens {image_tokens} out of range; the published projections have 1 or 4")
    return default if default.is_file() else None
