"""MeLFusion as a person uses it: a picture, words, or both; the picture speaks to the music level by level.

    pipeline = MelfusionPipeline.from_pretrained("my-tango", image="stabilityai/stable-diffusion-2-1",
                                                 synapses="my-synapses")
    best = pipeline(picture, words="slow piano, hopeful", synapse=1.0, seconds=10, seed=7)[0]

Guidance: the negative side has the negative words (empty by default) and *no* picture, so that guidance strengthens the
wish as a whole, picture included. The release gave both sides a picture branch of their own, made from noise.

There are no published MeLFusion weights; see `parts.py` for what loads.

Source: MeLFusion, arXiv 2406.04673.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from klangbild.errors import NotAvailableError, UsageError
from klangbild.models.published.denoise import DEFAULT_STEPS, OnProgress, Solver, denoise, make_solver
from klangbild.models.published.finish import sounds_of
from klangbild.models.published.first_minute import OnPace
from klangbild.models.published.licences import KNOWN, Announce, licence_of, show_licences
from klangbild.models.published.melfusion.image_branch import ImageBranch, ImageStart, ImageWalk
from klangbild.models.published.melfusion.parts import MelfusionParts, load_image_branch, load_melfusion
from klangbild.models.published.melfusion.synapse import Form
from klangbild.models.published.melfusion.synapse_unet import Features
from klangbild.models.published.placement import Placement, Precision, choose_placement
from klangbild.models.published.ranking import Candidate, CandidateJudge
from klangbild.models.published.where import FROM, UNTRAINED, find_folder, part_of
from klangbild.models.published.windows import over_windows, window_of
from klangbild.picture.picture import Picture

GUIDANCE = 3.0
SECONDS = 10.0


class MelfusionPipeline:
    """The system. Make one with `from_pretrained`, or from parts (as tests and training do)."""

    def __init__(
        self,
        parts: MelfusionParts,
        *,
        placement: Placement | None = None,
        judge: CandidateJudge | None = None,
        announce: Announce | None = None,
        image: Callable[[], ImageBranch] | None = None,
    ) -> None:
        """image: loads the image network when the first picture is to be heard, where `parts` has none."""
        self.parts, self._image = parts, image
        self.on_pace: OnPace | None = None
        self.placement = placement or choose_placement("cpu")
        self.judge = judge or CandidateJudge()
        self.announce = announce or (lambda line: None)
        if not self.placement.offload:
            for module in (parts.music, parts.t5, parts.sound.vae, parts.sound.vocoder):
                module.to(self.placement.device)
        if self.placement.slicing:
            # attention slices would replace the synapses' processors, so only the autoencoders are sliced
            parts.sound.vae.enable_slicing()
        self._place_image()

    @classmethod
    def from_pretrained(
        cls,
        music: str | Path,
        *,
        image: str | Path | None = "stabilityai/stable-diffusion-2-1",
        synapses: str | Path | None = None,
        form: Form = "gated",
        device: str = "auto",
        precision: Precision | None = None,
        offload: bool = False,
        slicing: bool = False,
        commercial: bool = False,
        allow_download: bool = False,
        announce: Announce | None = None,
        judge: CandidateJudge | None = None,
        image_later: bool = False,
    ) -> MelfusionPipeline:
        """Load the system from folders or the hub's cache.

        Args:
            music: Tango as `klangbild models add tango` writes it, by the added model's name or a folder.
            image: Stable Diffusion, or None: words only.
            synapses: a folder that training wrote; without it the gates are 0 and the picture is not heard.
            form: of the synapses when there is no folder.
            device, precision, offload, slicing: see `placement.py`.
            commercial, allow_download, announce: as for Art2Mus.
            judge: ranks candidates; see `ranking.py`.
            image_later: load the image network when the first picture is to be heard.
        """
        placement = choose_placement(device, precision, offload=offload, slicing=slicing)
        names = [str(name) for name in (music, image) if name is not None]
        if commercial:  # refuse before fetching gigabytes
            show_licences([KNOWN[name] for name in names if name in KNOWN], commercial=True, announce=announce)
        folders = [
            part_of(find_folder(name, allow_download=allow_download), part)
            for name, part in zip(names, ("music", "image"), strict=False)
        ]
        licences = [licence_of(name, folder) for name, folder in zip(names, folders, strict=True)]
        if synapses is not None:
            licences.append(licence_of(str(synapses), find_folder(synapses)))
        show_licences(licences, commercial=commercial, announce=announce)
        parts = load_melfusion(
            folders[0],
            image=folders[1] if image is not None else None,
            synapses=None if synapses is None else find_folder(synapses),
            form=form,
            dtype=placement.dtype,
            image_later=image_later,
        )
        later = partial(load_image_branch, folders[1], dtype=placement.dtype) if image is not None else None
        return cls(parts, placement=placement, judge=judge, announce=announce, image=later)

    @torch.inference_mode()
    def __call__(
        self,
        picture: Picture | None = None,
        *,
        words: str | None = None,
        negative: str = "",
        synapse: float = 1.0,
        seconds: float = SECONDS,
        guidance: float = GUIDANCE,
        steps: int | None = None,
        solver: Solver = "ddim",
        image_start: ImageStart = "inversion",
        candidates: int = 1,
        seed: int = 0,
        on_progress: OnProgress | None = None,
    ) -> list[Candidate]:
        """Compose. Returns the candidates, best first (as drawn where nothing could judge).

        Args:
            picture, words: what to compose from; one or both.
            negative: words to stay away from.
            synapse: 0 (words only) to 1 (as learned).
            seconds: length; above the network's window overlapping windows are denoised together.
            guidance: 1 (none) or more; 3 is MeLFusion's.
            steps: 200 for "ddim", 25 for "dpm++" by default. The image branch takes as many, twice (inversion, walk).
            solver: "ddim" or "dpm++".
            image_start: "inversion" (the paper), or "noise": the released inference, in which the picture is not seen.
            candidates, seed, on_progress: as for Art2Mus.

        Raises:
            UsageError: nothing to compose from, a number out of range, or a picture alone with every gate closed.
        """
        if picture is None and words is None:
            raise UsageError("nothing to compose from: give a picture, words, or both")
        if candidates < 1:
            raise UsageError(f"candidates {candidates} out of range; give 1 or more")
        if guidance < 1:
            raise UsageError(f"guidance {guidance} out of range; give 1 (none) or more")
        music, sound, device = self.parts.music, self.parts.sound, self.placement.device
        music.set_strength(synapse)
        heard = picture is not None and synapse > 0 and self._hears_pictures(words)
        n_steps = steps or DEFAULT_STEPS[solver]
        generator = torch.Generator().manual_seed(seed)
        noise = sound.noise(seconds, candidates, generator).to(device)
        with self.placement.at_work(self.parts.t5):
            text, mask = self.parts.text_states([words or ""])
            negative_text, negative_mask = self.parts.text_states([negative])
        walk = self._walk(picture, words or "", text, n_steps, solver, image_start, generator) if heard else None

        def listen(part: Tensor, timestep: Tensor, states: Tensor, keep: Tensor, features: Features | None) -> Tensor:
            n = part.shape[0]
            dtype = next(music.unet.parameters()).dtype
            return music(
                part.to(dtype),
                timestep,
                states.expand(n, -1, -1).to(dtype),
                mask=keep.expand(n, -1),
                features=None if features is None else {name: f.repeat(n) for name, f in features.items()},
            ).to(part.dtype)

        def predict(latents: Tensor, timestep: Tensor) -> Tensor:
            features = None
            if walk is not None:
                with self.placement.at_work(self.parts.image.unet):
                    features = walk.features(timestep)

            def one_window(part: Tensor) -> Tensor:
                positive = listen(part, timestep, text, mask, features)
                if guidance == 1:
                    return positive
                other = listen(part, timestep, negative_text, negative_mask, None)
                return other + guidance * (positive - other)

            return over_windows(one_window, latents, window=window_of(music.unet))

        with self.placement.at_work(music):
            latents = denoise(
                noise,
                predict,
                make_solver(self.parts.scheduler, solver),
                n_steps=n_steps,
                on_progress=on_progress,
                on_pace=self.on_pace,
            )
        audios = sounds_of(latents, sound, self.placement, seconds=seconds)
        vector = None
        if picture is not None and candidates > 1 and self.judge.imagebind is not None:
            vector = self.judge.imagebind.embed_pictures([picture.rgb])[0]
        return self.judge.ranked(audios, image_vector=vector, words=words)

    def see(self, *, judging: bool = False) -> bool:
        """Load the image network, where it was left for the first picture and a gate is open for what it offers; whether that
        was now."""
        if self.parts.image is not None or self._image is None or not any(self.gates().values()):
            return False
        self.parts = replace(self.parts, image=self._image())
        self._place_image()
        return True

    def networks(self) -> dict[str, torch.nn.Module]:
        """What is loaded, by what it is called."""
        parts, image = self.parts, self.parts.image
        found = {"unet": parts.music, "T5": parts.t5, "vae": parts.sound.vae, "vocoder": parts.sound.vocoder}
        if image is not None:
            found |= {"image unet": image.unet, "image vae": image.vae}
            found |= {} if image.text_encoder is None else {"image text encoder": image.text_encoder}
        return found

    def can_judge(self, *, picture: bool, words: bool) -> bool:
        """Whether candidates could be ranked."""
        return self.judge.can_judge(picture=picture, words=words)

    def gates(self) -> dict[str, float]:
        """How open each gate is, by level or layer; see `synapse.py` for what the numbers mean."""
        return self.parts.music.gates()

    def set_gates(self, values: dict[str, float] | float) -> None:
        """Open gates by hand, by name or all alike."""
        self.parts.music.set_gates(values)

    def _walk(
        self,
        picture: Picture,
        words: str,
        text: Tensor,
        n_steps: int,
        solver: Solver,
        start: ImageStart,
        generator: torch.Generator,
    ) -> ImageWalk:
        self.see()
        branch = self.parts.image
        if branch is None:
            raise NotAvailableError(
                f"{picture.name}: there is no image model, so a picture cannot be seen; it is {FROM['stable-diffusion']}"
            )
        modules = [branch.unet, branch.vae] + ([branch.text_encoder] if branch.text_encoder is not None else [])
        with self.placement.at_work(*modules):
            return branch.begin(
                picture.rgb,
                branch.text(words, text),
                form=self.parts.music.form,
                n_steps=n_steps,
                solver=solver,
                like=self.parts.scheduler,
                start=start,
                generator=generator,
                on_pace=self.on_pace,
            )

    def _hears_pictures(self, words: str | None) -> bool:
        """Closed gates make a picture mute: an error when it is all there is, told otherwise, and nothing of it is computed."""
        if any(self.gates().values()):
            return True
        if words is None:
            raise UsageError(f"{UNTRAINED}; give --text, or train them: klangbild train melfusion")
        self.announce(UNTRAINED)
        return False

    def _place_image(self) -> None:
        image = self.parts.image
        if image is None:
            return
        if not self.placement.offload:
            for module in (image.unet, image.vae, *([] if image.text_encoder is None else [image.text_encoder])):
                module.to(self.placement.device)
        if self.placement.slicing:
            image.vae.enable_slicing()
