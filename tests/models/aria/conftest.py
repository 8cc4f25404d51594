import numpy as np
import pytest

pytest.importorskip("torch")

from published_checkpoints import write_checkpoint


@pytest.fixture
def checkpoint(tmp_path):
    """A function: conditioning -> (folder of a published-layout checkpoint, its network)."""

    def make(conditioning="continuous_concat", **sizes):
        folder = tmp_path / "source" / conditioning
        return folder, write_checkpoint(folder, conditioning, **sizes)

    return make


@pytest.fixture
def models_home(tmp_path, monkeypatch):
    home = tmp_path / "models"
    monkeypatch.setenv("KLANGBILD_HOME", str(home.parent))
    monkeypatch.setenv("KLANGBILD_OFFLINE", "1")
    return home


@pytest.fixture
def rng():
    return np.random.default_rng(7)
