"""MeLFusion as published, behind the house's one door (`models/published/engine.py`): words and a picture's synapses -> sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from klangbild.errors import NotAvailableError
from klangbild.models.published.engine import PublishedEngine
from klangbild.models.published.melfusion.pipeline import GUIDANCE, MelfusionPipeline
from klangbild.settings import Settings


class MelfusionEngine(PublishedEngine):
    """See `MelfusionPipeline`."""

    name = "melfusion"

    def open(self, settings: Settings, **options: Any) -> MelfusionPipeline:
        return MelfusionPipeline.from_pretrained(
            self._part("music"),
            image=self._part("image") if (self.folder / "image").is_dir() else None,
            synapses=self._part("synapses") if (self.folder / "synapses").is_dir() else None,
            **options,
        )

    def asked(self, settings: Settings) -> dict[str, Any]:
        return {
            "guidance": settings.guidance or GUIDANCE,
            "negative": settings.negative or "",
            "synapse": settings.synapse,
        }

    def told(self, pipeline: MelfusionPipeline) -> dict[str, Any]:
        return {"gates": {name: round(value, 6) for name, value in pipeline.gates().items()}}

    def _part(self, name: str) -> Path:
        part = self.folder / name
        if not part.is_dir():
            raise NotAvailableError(
                f"{self.folder}: has no folder {name!r}; MeLFusion needs music/, and image/ and synapses/ to see pictures"
            )
        return part
