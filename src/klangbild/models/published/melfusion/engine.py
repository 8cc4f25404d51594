"""MeLFusion as published, behind the house's one door (`models/published/engine.py`): words and a picture's synapses -> sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from klangbild.models.published.engine import PublishedEngine
from klangbild.models.published.melfusion.pipeline import GUIDANCE, MelfusionPipeline
from klangbild.models.published.where import synapses_are_trained
from klangbild.settings import Settings


class MelfusionEngine(PublishedEngine):
    """See `MelfusionPipeline`."""

    name = "melfusion"

    def open(self, settings: Settings, **options: Any) -> MelfusionPipeline:
        synapses, image = self.folder / "synapses", self.folder / "image"
        return MelfusionPipeline.from_pretrained(
            self.folder / "music",
            image=image if (image / "unet").is_dir() else None,
            synapses=synapses if synapses.is_dir() else None,
            image_later=True,
            **options,
        )

    def notices(self) -> list[str]:
        if synapses_are_trained(self.folder / "synapses"):
            return []
        told = "no trained synapses, so words are heard and pictures are not (klangbild train melfusion)"
        return [f"{self.model}: {told}"]

    def folders(self) -> list[Path]:
        return [self.folder / "music"]

    def asked(self, settings: Settings) -> dict[str, Any]:
        return {
            "guidance": settings.guidance or GUIDANCE,
            "negative": settings.negative or "",
            "synapse": settings.synapse,
        }

    def told(self, pipeline: MelfusionPipeline) -> dict[str, Any]:
        return {"gates": {name: round(value, 6) for name, value in pipeline.gates().items()}}
