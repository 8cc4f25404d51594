"""What Art2Mus's diffusion network listens to: a picture, words, or both, and what it should stay away from.

The network has two ears in every block: the language of audio (LOA, eight states written by GPT-2) and a stream of T5
states. Four ways to fill them, as released:

| given | GPT-2's prompt | T5 stream |
|---|---|---|
| picture | the projection's 1 or 4 tokens, nothing else | the support sentence |
| words | [CLAP vector, T5 states], projected and framed (AudioLDM 2) | the words |
| both | the words' prompt, then the image tokens | the words, then the raw image vector as one more token |
| negative words | like words; with a picture alone their T5 part is cut to *one* token, the end token | the words, padded or cut |

So with a picture alone, "Low quality." reaches GPT-2 only through CLAP. Kept, because the published projections were
trained against this branch (guidance is part of their loss).

Source: Art2Mus, arXiv 2410.04906, section 3; AudioLDM 2, arXiv 2308.05734.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerBase

from klangbild.errors import UsageError
from klangbild.models.published.art2mus.language_of_audio import generate_loa
from klangbild.models.published.art2mus.projection import ImageProjection

SUPPORT_SENTENCE = "Music representing the content of this artwork"
NEGATIVE_WORDS = "Low quality."


@dataclass(frozen=True)
class Conditioning:
    """One side of the guidance, or both stacked (negatives first). Axis 0 is the batch."""

    loa: Tensor  # (batch, 8, loa width)
    text: Tensor  # (batch, tokens, text width)
    text_mask: Tensor  # (batch, tokens), 1 where it counts

    def repeat(self, n: int) -> Conditioning:
        """Each item `n` times in a row: one conditioning for several candidates."""
        return Conditioning(*(tensor.repeat_interleave(n, dim=0) for tensor in (self.loa, self.text, self.text_mask)))

    def after(self, negative: Conditioning) -> Conditioning:
        """Both sides in one batch, negatives first. Streams of other lengths are padded with masked zeros."""
        length = max(self.text.shape[1], negative.text.shape[1])
        pairs = [(_pad(side.text, length), _pad(side.text_mask, length)) for side in (negative, self)]
        return Conditioning(
            torch.cat([negative.loa, self.loa]),
            torch.cat([text for text, _ in pairs]),
            torch.cat([mask for _, mask in pairs]),
        )


@dataclass(frozen=True)
class Art2MusEncoder:
    """The frozen language parts of AudioLDM 2 and the image projection, as one function from wishes to conditioning.

    clap: transformers' `ClapModel` or `ClapTextModelWithProjection`; t5: `T5EncoderModel`; language_model: `GPT2Model` or
    `GPT2LMHeadModel`; projection_model: diffusers' `AudioLDM2ProjectionModel`; projection: Art2Mus's own part, or None.
    """

    clap: nn.Module
    t5: nn.Module
    language_model: nn.Module
    projection_model: nn.Module
    clap_tokenizer: PreTrainedTokenizerBase
    t5_tokenizer: PreTrainedTokenizerBase
    projection: ImageProjection | nn.Module | None = None  # wrapped while it is trained on several devices

    def encode(
        self,
        *,
        words: Sequence[str] | None = None,
        image_vectors: Tensor | None = None,
        negative: Sequence[str] | str = NEGATIVE_WORDS,
        support: str = SUPPORT_SENTENCE,
    ) -> Conditioning:
        """Conditioning of a batch with its negative side first, (2 * batch, ...). Differentiable in the projection.

        Args:
            words: one sentence an item, or None.
            image_vectors: (batch, image_dim) unit vectors of ImageBind, or None. One of the two is needed.
            negative: what to stay away from, one sentence for all or one an item.
            support: the sentence of the T5 stream when a picture comes without words.

        Raises:
            UsageError: neither words nor a picture, unequal numbers of them, or a picture without a projection.
        """
        if words is None and image_vectors is None:
            raise UsageError("nothing to compose from: give a picture, words, or both")
        batch = len(words) if words is not None else len(image_vectors)
        if image_vectors is not None and len(image_vectors) != batch:
            raise UsageError(f"{batch} sentences for {len(image_vectors)} pictures; give one for each")
        negatives = [negative] * batch if isinstance(negative, str) else list(negative)
        tokens = None if image_vectors is None else self.image_tokens(image_vectors)

        if words is None:
            prompt = tokens
            prompt_mask = torch.ones(prompt.shape[:2], dtype=torch.long, device=prompt.device)
            text, text_mask = self.t5_states([support] * batch)
            n_negative_for_loa = 1  # the released code cuts to the image's sequence length, which is one
        else:
            text, text_mask = self.t5_states(list(words))
            prompt, prompt_mask = self.language_prompt(list(words), text, text_mask)
            if tokens is not None:
                prompt, prompt_mask = _join(prompt, prompt_mask, tokens)
                text, text_mask = _join(text, text_mask, image_vectors[:, None, :])
            n_negative_for_loa = text.shape[1]
        loa = generate_loa(self.language_model, prompt, prompt_mask)
        positive = Conditioning(loa, text, text_mask)

        negative_text, negative_mask = self.t5_states(negatives, length=n_negative_for_loa)
        negative_prompt = self.language_prompt(negatives, negative_text, negative_mask)
        negative_loa = generate_loa(self.language_model, *negative_prompt)
        if n_negative_for_loa != text.shape[1]:
            negative_text, negative_mask = self.t5_states(negatives, length=text.shape[1])
        return positive.after(Conditioning(negative_loa, negative_text, negative_mask))

    def image_tokens(self, image_vectors: Tensor) -> Tensor:
        """(batch, image_dim) -> (batch, n_tokens, loa width)."""
        if self.projection is None:
            raise UsageError(
                "no image projection is loaded: give art2mus_img_proj_layer.pt, or compose from words only"
            )
        tokens = self.projection(image_vectors.to(next(self.projection.parameters())))
        return tokens.to(next(self.language_model.parameters()).dtype)

    def t5_states(self, sentences: list[str], *, length: int | None = None) -> tuple[Tensor, Tensor]:
        """T5's hidden states (batch, tokens, width) and mask (batch, tokens), padded to the longest sentence, or
        padded and cut to `length` tokens."""
        ids, mask = self.token_ids(self.t5_tokenizer, sentences, length=length)
        return self.t5(input_ids=ids, attention_mask=mask).last_hidden_state, mask

    def clap_vectors(self, sentences: list[str]) -> Tensor:
        """CLAP's text vectors, unit length, (batch, width). Always padded to the tokenizer's full length."""
        ids, mask = self.token_ids(self.clap_tokenizer, sentences, length=self.clap_tokenizer.model_max_length)
        pooled = self.clap.text_model(input_ids=ids, attention_mask=mask).pooler_output
        return functional.normalize(self.clap.text_projection(pooled), dim=-1)

    def language_prompt(self, sentences: list[str], text: Tensor, text_mask: Tensor) -> tuple[Tensor, Tensor]:
        """AudioLDM 2's prompt for GPT-2, (batch, 5 + tokens, width) and its mask (batch, 5 + tokens), of `text`
        (batch, tokens, width) and its mask (batch, tokens): the CLAP vector and the T5 states, each between its start
        and end token."""
        clap = self.clap_vectors(sentences)[:, None, :]
        projected = self.projection_model(
            hidden_states=clap,
            hidden_states_1=text,
            attention_mask=text_mask.new_ones(clap.shape[:2]),
            attention_mask_1=text_mask,
        )
        return projected.hidden_states, projected.attention_mask

    def token_ids(
        self, tokenizer: PreTrainedTokenizerBase, sentences: list[str], *, length: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Ids and mask (batch, tokens), padded to the longest sentence, or padded and cut to `length`."""
        encoded = tokenizer(
            sentences,
            padding=True if length is None else "max_length",
            max_length=tokenizer.model_max_length if length is None else length,
            truncation=True,
            return_tensors="pt",
        )
        device = next(self.t5.parameters()).device
        return encoded.input_ids.to(device), encoded.attention_mask.to(device)


def _join(states: Tensor, mask: Tensor, more: Tensor) -> tuple[Tensor, Tensor]:
    """Append tokens that always count."""
    return torch.cat([states, more.to(states.dtype)], dim=1), torch.cat([mask, mask.new_ones(more.shape[:2])], dim=1)


def _pad(tensor: Tensor, length: int) -> Tensor:
    """Zeros at the end of axis 1, up to `length`."""
    missing = length - tensor.shape[1]
    return (
        tensor
        if missing == 0
        else torch.cat([tensor, tensor.new_zeros(tensor.shape[0], missing, *tensor.shape[2:])], 1)
    )
