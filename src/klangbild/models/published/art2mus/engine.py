"""Art2Mus as published, behind the house's one door (`models/published/engine.py`): a picture and words -> sound."""

from __future__ import annotations

from typing import Any

from klangbild.errors import UsageError
from klangbild.models.published.art2mus.conditioning import NEGATIVE_WORDS
from klangbild.models.published.art2mus.pipeline import GUIDANCE, Art2MusPipeline
from klangbild.models.published.engine import PublishedEngine
from klangbild.settings import Settings


class Art2MusEngine(PublishedEngine):
    """See `Art2MusPipeline`; one pipeline for one and one for four image tokens."""

    name = "art2mus"

    def open(self, settings: Settings, **options: Any) -> Art2MusPipeline:
        return Art2MusPipeline.from_pretrained(
            self.model, image_tokens=self.variant(settings), imagebind_later=True, **options
        )

    def variant(self, settings: Settings) -> int:
        """The number of image tokens. Raises UsageError: the published projections have one or four."""
        tokens = 1 if settings.image_tokens is None else settings.image_tokens
        if tokens not in (1, 4):
            raise UsageError("--image-tokens 0 is for our sound model; Art2Mus's has 1 or 4")
        return tokens

    def asked(self, settings: Settings) -> dict[str, Any]:
        negative = NEGATIVE_WORDS if settings.negative is None else settings.negative
        return {"guidance": settings.guidance or GUIDANCE, "negative": negative}
