"""AudioLDM 2's "language of audio" (LOA): eight hidden states that GPT-2 writes after a prompt of embeddings.

The language model never sees or writes words here. Its prompt is a sequence of vectors (projected text, or Art2Mus's
image tokens); at each step the last hidden state, after the final LayerNorm, is appended as the next input vector. The
last `n_steps` of the sequence are what the latent diffusion network listens to.

Source: AudioLDM 2, arXiv 2308.05734, section 3.2.
"""

from __future__ import annotations

import inspect

import torch
from torch import Tensor, nn

LOA_STEPS = 8


def generate_loa(language_model: nn.Module, prompt: Tensor, mask: Tensor, *, n_steps: int = LOA_STEPS) -> Tensor:
    """The language-of-audio tokens that follow a prompt. Differentiable: Art2Mus trains its projection through it.

    Args:
        language_model: transformers' `GPT2Model`, or `GPT2LMHeadModel` (its trunk is used; the head plays no part).
        prompt: (batch, length, width) embeddings.
        mask: (batch, length), 1 where the prompt counts. Positions run on over masked entries, as in the original.
        n_steps: states to write; AudioLDM 2 has 8.

    Returns:
        (batch, n_steps, width)
    """
    trunk = getattr(language_model, "transformer", language_model)
    # transformers 5.24 calls it `cache`, and takes the older name away in 5.40
    name = "cache" if "cache" in inspect.signature(trunk.forward).parameters else "past_key_values"
    states: list[Tensor] = []
    inputs, past = prompt, None
    for _ in range(n_steps):
        output = trunk(inputs_embeds=inputs, attention_mask=mask, **{name: past}, use_cache=True, return_dict=True)
        past = output.past_key_values
        inputs = output.last_hidden_state[:, -1:, :]  # (batch, 1, width)
        states.append(inputs)
        mask = torch.cat([mask, mask.new_ones(mask.shape[0], 1)], dim=1)
    return torch.cat(states, dim=1)
