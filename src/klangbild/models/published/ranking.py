"""Several candidates, which fits best? By the ear of ImageBind (pictures) or CLAP (words), as Art2Mus released it.

| asked with | score |
|---|---|
| picture | ImageBind's cosine of picture and sound |
| words | CLAP's cosine of words and sound |
| both | ImageBind's cosine of (picture + words) and sound; without its text tower, the mean of the two above |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import ClapFeatureExtractor, ClapModel, PreTrainedTokenizerBase

from klangbild.models.published.imagebind.model import ImageBind, cosine
from klangbild.models.published.resample import resample
from klangbild.sound.audio import Audio


@dataclass(frozen=True)
class Candidate:
    """One piece. `score` is how well it fits (see above), None where nothing could judge; `index` as drawn."""

    audio: Audio
    score: float | None
    index: int


@dataclass(frozen=True)
class CandidateJudge:
    """What is there to listen with; each part may be None, and a wish that needs it is then not scored."""

    imagebind: ImageBind | None = None
    imagebind_tokenizer: PreTrainedTokenizerBase | None = None  # CLIP's
    clap: ClapModel | None = None
    clap_tokenizer: PreTrainedTokenizerBase | None = None
    clap_features: ClapFeatureExtractor | None = None

    def can_judge(self, *, picture: bool, words: bool) -> bool:
        """Whether `scores` could say anything of a wish with a picture, with words, or with both."""
        by_picture = picture and self.imagebind is not None and "audio" in self.imagebind.towers
        return by_picture or (words and self._reads_words())

    def _reads_words(self) -> bool:
        parts = (self.clap, self.clap_tokenizer, self.clap_features)
        return all(part is not None for part in parts) and hasattr(self.clap, "audio_model")

    def ranked(
        self, audios: Sequence[Audio], *, image_vector: Tensor | None = None, words: str | None = None
    ) -> list[Candidate]:
        """The sounds, each (channels, n), best first; as drawn where there is but one or nothing could judge. Arguments: see
        `scores`."""
        scores = self.scores(audios, image_vector=image_vector, words=words) if len(audios) > 1 else None
        if scores is None:
            return [Candidate(audio, None, i) for i, audio in enumerate(audios)]
        made = [Candidate(audio, scores[i], i) for i, audio in enumerate(audios)]
        return sorted(made, key=lambda candidate: -scores[candidate.index])

    @torch.inference_mode()
    def scores(
        self, audios: Sequence[Audio], *, image_vector: Tensor | None = None, words: str | None = None
    ) -> list[float] | None:
        """One score for each sound (channels, n), -1..1, higher fits better; None when nothing here can judge this
        wish. image_vector: the picture's, (dimensions,)."""
        heard = None
        if image_vector is not None and self.imagebind is not None and "audio" in self.imagebind.towers:
            heard = self.imagebind.embed_sounds([(audio.samples, audio.rate) for audio in audios])
            wish = image_vector.reshape(1, -1).float().cpu()
            if words and "text" in self.imagebind.towers and self.imagebind_tokenizer is not None:
                context = self.imagebind.config.text.context
                ids = self.imagebind_tokenizer(
                    [words], padding="max_length", max_length=context, truncation=True, return_tensors="pt"
                ).input_ids
                # CLIP's tokenizer pads with its end token; the tower wants zeros behind the first one
                past_end = torch.arange(context) > ids.argmax(dim=-1, keepdim=True)
                text = self.imagebind.text(ids.masked_fill(past_end, 0)).float()
                return cosine(wish + torch.nn.functional.normalize(text, dim=-1), heard).tolist()
        by_picture = None if heard is None else cosine(image_vector.reshape(1, -1).float().cpu(), heard)
        by_words = self._by_words(audios, words) if words else None
        judged = [score for score in (by_picture, by_words) if score is not None]
        return torch.stack(judged).mean(dim=0).tolist() if judged else None

    def _by_words(self, audios: Sequence[Audio], words: str) -> Tensor | None:
        if not self._reads_words():
            return None
        rate = self.clap_features.sampling_rate
        # cut here, since the extractor cuts longer sounds at a random place
        sounds = [_mono_at(audio, rate)[: self.clap_features.nb_max_samples] for audio in audios]
        fused = getattr(self.clap.config.audio_config, "enable_fusion", False)
        features = self.clap_features(
            sounds, sampling_rate=rate, truncation="fusion" if fused else "rand_trunc", return_tensors="pt"
        )
        weight = next(self.clap.parameters())
        tokens = self.clap_tokenizer([words], padding=True, truncation=True, return_tensors="pt").to(weight.device)
        sound = self.clap.audio_model(
            input_features=features["input_features"].to(weight),
            is_longer=torch.zeros(len(sounds), 1, dtype=torch.bool, device=weight.device),
        ).pooler_output
        text = self.clap.text_model(**tokens).pooler_output
        return cosine(self.clap.text_projection(text), self.clap.audio_projection(sound)).float().cpu()


def _mono_at(audio: Audio, rate: int) -> np.ndarray:
    mono = torch.from_numpy(np.ascontiguousarray(audio.samples.mean(axis=0, keepdims=True)))
    return resample(mono, audio.rate, rate)[0].numpy()
