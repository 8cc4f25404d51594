"""The published sound systems, at tiny size, keep `klangbild.contract` as all engines do."""

import shutil

import pytest
from kept_contract import check_engine

from klangbild.contract import Request
from klangbild.emotion.space import Emotion
from klangbild.models.engines import load_engine
from klangbild.models.published.melfusion.parts import save_synapses
from klangbild.models.published.melfusion.pipeline import MelfusionPipeline
from klangbild.settings import Settings


@pytest.fixture
def melfusion_folder(melfusion_folders, tmp_path):
    for folder, name in zip(melfusion_folders, ("music", "image"), strict=True):
        shutil.copytree(folder, tmp_path / name)
    fresh = MelfusionPipeline.from_pretrained(
        melfusion_folders[0], image=melfusion_folders[1], device="cpu", announce=lambda line: None
    )
    fresh.set_gates(0.5)
    save_synapses(fresh.parts.music, tmp_path / "synapses")
    return tmp_path


@pytest.mark.parametrize(("engine", "candidates"), [("art2mus", 2), ("melfusion", 1)])
def test_published(engine, candidates, request, picture):
    folder = request.getfixturevalue("audioldm2_folder" if engine == "art2mus" else "melfusion_folder")
    settings = Settings(engine=engine, model=str(folder), seconds=1, steps=3, text="slow piano", candidates=candidates)
    asked = Request(settings, 4, Emotion(0, 0), Emotion(0.3, 0.2), "picture", (), None, picture)
    check_engine(load_engine(settings), asked, writes_notes=False)
