"""Two diffusers UNets joined by synapses: an image network that is listened to, a music network that listens.

Both are `UNet2DConditionModel`s (Stable Diffusion 2.1 and Tango have the same block layout). The up blocks' transformer
layers are matched by name: `up_blocks.2.attentions.1` of the music network hears `up_blocks.2.attentions.1` of the image
network. Nothing of diffusers is changed: both directions are attention processors.

What is taken from an image layer: its self-attention's keys and values (form `paper`), or the output of its
cross-attention before the residual is added (forms `released`, `gated`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn

from klangbild.errors import InputError, UsageError
from klangbild.models.published.melfusion.synapse import Form, Gate, ImageFeatures, Synapse, attend

Features = dict[str, ImageFeatures]  # by layer name, such as "up_blocks.1.attentions.0"


def decoder_layers(unet: UNet2DConditionModel) -> dict[str, nn.Module]:
    """The transformer layers of the up blocks by name, in order of computation."""
    return {
        f"up_blocks.{b}.attentions.{j}": layer.transformer_blocks[0]
        for b, block in enumerate(unet.up_blocks)
        for j, layer in enumerate(getattr(block, "attentions", ()))
    }


def level_of(layer: str) -> str:
    """`up_blocks.1.attentions.0` -> `up_blocks.1`."""
    return layer.rsplit(".attentions.", 1)[0]


def features_of_first_layers(features: Features) -> Features:
    """Each layer of a level gets what its first layer offers: what the released *training* path does, by mistake."""
    return {layer: features[f"{level_of(layer)}.attentions.0"] for layer in features}


@contextmanager
def listening(image_unet: UNet2DConditionModel, form: Form) -> Iterator[Features]:
    """While open, each run of the image network leaves its features in the dictionary (the last run's).

    with listening(image_unet, "paper") as features:
        image_unet(latents, timestep, encoder_hidden_states=text)
    """
    layers = decoder_layers(image_unet)
    if not layers:
        raise InputError("this image network has no attention in its up blocks; use a Stable Diffusion UNet")
    features: Features = {}
    before = {}
    for name, block in layers.items():
        attention = block.attn1 if form == "paper" else block.attn2
        before[name] = (attention, attention.processor)
        attention.set_processor(_Recorder(name, form, features))
    try:
        yield features
    finally:
        for attention, processor in before.values():
            attention.set_processor(processor)


class _Recorder:
    """Plain attention that keeps what it computed."""

    def __init__(self, name: str, form: Form, features: Features) -> None:
        self.name, self.form, self.features = name, form, features

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        **_: object,
    ) -> Tensor:
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        keys, values = attn.to_k(context), attn.to_v(context)
        heard = attend(attn.to_q(hidden_states), keys, values, n_heads=attn.heads, mask_bias=attention_mask)
        out = _finish(attn, heard)
        if self.form == "paper":
            self.features[self.name] = ImageFeatures(keys=keys.detach(), values=values.detach())
        else:
            self.features[self.name] = ImageFeatures(states=out.detach())
        return out


class SynapseUNet(nn.Module):
    """A music UNet whose decoder hears a picture through synapses.

    Args:
        unet: the music network; it is used as it is, not copied.
        form: of the synapses. `paper` has one gate per level, the others one per layer (as released: nine in Tango).
        image_widths: width of the features by layer name; `widths_of(image_unet)` gives them. Equal to the music
            network's own by default.
    """

    def __init__(
        self, unet: UNet2DConditionModel, *, form: Form = "gated", image_widths: dict[str, int] | None = None
    ) -> None:
        super().__init__()
        self.unet = unet
        self.form: Form = form
        self._heard: Features = {}
        layers = decoder_layers(unet)
        if not layers:
            raise InputError("this music network has no attention in its up blocks; use a Tango or AudioLDM UNet")
        widths = widths_of(unet)
        gates = {level_of(name): Gate(form) for name in layers} if form == "paper" else {}
        # "." is not allowed in module names
        self.synapses = nn.ModuleDict()
        for name, block in layers.items():
            synapse = Synapse(
                form,
                gate=gates.get(level_of(name)),
                width=widths[name],
                image_width=(image_widths or widths).get(name),
            )
            self.synapses[_key(name)] = synapse
            block.attn2.set_processor(_Listener(name, synapse, self._heard))

    def forward(
        self,
        latents: Tensor,
        timestep: Tensor,
        context: Tensor,
        *,
        mask: Tensor | None = None,
        features: Features | None = None,
    ) -> Tensor:
        """The network's prediction, like `latents`.

        Args:
            latents: (batch, channels, frames, bands).
            timestep: scalar or (batch,).
            context: words, (batch, L, width).
            mask: (batch, L), true where a word counts.
            features: of the image network for the same batch, or None: words only.
        """
        self._heard.clear()
        self._heard.update(features or {})
        try:
            return self.unet(
                latents, timestep, encoder_hidden_states=context, encoder_attention_mask=mask, return_dict=False
            )[0]
        finally:
            self._heard.clear()

    def gates(self) -> dict[str, float]:
        """How open each gate is, by level (`paper`) or layer."""
        return {
            (level_of(_name(key)) if self.form == "paper" else _name(key)): synapse.gate.value
            for key, synapse in self.synapses.items()
        }

    def set_gates(self, values: dict[str, float] | float) -> None:
        """Open gates by name, or all alike. Unknown names are refused."""
        names = self.gates()
        wanted = dict.fromkeys(names, values) if isinstance(values, int | float) else values
        unknown = [name for name in wanted if name not in names]
        if unknown:
            raise UsageError(f"there is no gate {unknown[0]!r}; there are {', '.join(names)}")
        for key, synapse in self.synapses.items():
            name = level_of(_name(key)) if self.form == "paper" else _name(key)
            if name in wanted:
                synapse.gate.set(wanted[name])

    def set_strength(self, strength: float) -> None:
        """The user's 0..1: how much of the learned gates is used; 0 is words only."""
        if not 0 <= strength <= 1:
            raise UsageError(f"synapse {strength} out of range; give 0 (words only) to 1 (as learned)")
        for synapse in self.synapses.values():
            synapse.strength = float(strength)

    def synapse_state(self) -> dict[str, Tensor]:
        """Gates and maps only, by name: what is trained besides the music network."""
        return {f"synapses.{name}": value.clone() for name, value in self.synapses.state_dict().items()}

    def load_synapses(self, state: dict[str, Tensor]) -> None:
        """The inverse of `synapse_state`.

        Raises:
            InputError: names or shapes are of another network or form.
        """
        own = {name.removeprefix("synapses."): value for name, value in state.items() if name.startswith("synapses.")}
        try:
            self.synapses.load_state_dict(own)
        except RuntimeError as error:
            raise InputError(
                f"these synapses are of another network or form ({str(error).splitlines()[-1].strip()})"
            ) from error

    def load_released_alphas(self, state: dict[str, Tensor]) -> None:
        """Take the `...attn2.alpha` scalars of a checkpoint of the released code (form `released`)."""
        if self.form != "released":
            raise UsageError(
                f"released alphas fit the released form, not {self.form!r}; make the synapses with form='released'"
            )
        with torch.no_grad():
            for key, synapse in self.synapses.items():
                alpha = state.get(f"{_name(key)}.transformer_blocks.0.attn2.alpha")
                if alpha is not None:
                    synapse.gate.alpha.copy_(alpha.reshape(()))


class _Listener:
    """Cross-attention through a synapse."""

    def __init__(self, name: str, synapse: Synapse, heard: Features) -> None:
        self.name, self.synapse, self.heard = name, synapse, heard

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        **_: object,
    ) -> Tensor:
        out = self.synapse(
            attn.to_q(hidden_states),
            encoder_hidden_states,
            self.heard.get(self.name),
            to_k=attn.to_k,
            to_v=attn.to_v,
            n_heads=attn.heads,
            mask_bias=attention_mask,
        )
        return _finish(attn, out)


def widths_of(unet: UNet2DConditionModel) -> dict[str, int]:
    """Width of each decoder layer, by name."""
    return {name: block.attn2.to_q.out_features for name, block in decoder_layers(unet).items()}


def without_alphas(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A checkpoint of the released code without its gates: what a plain diffusers UNet takes."""
    return {name: value for name, value in state.items() if not name.endswith(".alpha")}


def _finish(attn: Attention, heard: Tensor) -> Tensor:
    """The attention's output projection and dropout."""
    return attn.to_out[1](attn.to_out[0](heard))


def _key(layer: str) -> str:
    return layer.replace(".", "/")


def _name(key: str) -> str:
    return key.replace("/", ".")
