"""What several tests share: a small picture, and composing with it in-process."""

from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def picture_file(tmp_path_factory) -> Path:
    """A small painted-looking PNG."""
    from PIL import Image

    rng = np.random.default_rng(5)
    sky = np.linspace([40, 70, 140], [240, 190, 120], 96)[:, None, :] * np.ones((1, 128, 1))
    path = tmp_path_factory.mktemp("pictures") / "dusk.png"
    Image.fromarray(np.clip(sky + rng.normal(0, 8, sky.shape), 0, 255).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def klangbild(capsys):
    """Run a command line in-process: klangbild("compose", ...) -> (exit code, stdout, stderr)."""
    from klangbild.cli.main import main

    def run(*argv) -> tuple[int, str, str]:
        code = main([str(a) for a in argv])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture(scope="session")
def shared() -> Path:
    """The reference folder beside the repository; tests that need it say so and are skipped without it."""
    if not SHARED.is_dir():
        pytest.skip("needs the reference folder ../shared, which is not here")
    return SHARED
