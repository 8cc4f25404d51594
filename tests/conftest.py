"""What several tests share: a small picture, and composing with it in-process."""

import os
from pathlib import Path

import numpy as np
import pytest

BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
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


@pytest.fixture
def sentence_encoder(tmp_path, monkeypatch) -> Path:
    """A BERT without layers among the added models. "qualm" has the vector of "serene", "oud" that of "lute", each word of "bossa
    nova" that of "samba"; "blorp" is unlike all others."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from klangbild.emotion.sentence_encoder import FOLDER
    from klangbild.emotion.words import english_words
    from klangbild.models.plan.caption_words import Vocabulary

    folder = tmp_path / "models" / FOLDER
    folder.mkdir(parents=True)
    said = [word for word in Vocabulary().meanings() if word.isalpha()]
    alike = {"qualm": "serene", "oud": "lute", "bossa": "samba", "nova": "samba"}
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "-"]
    pieces = list(dict.fromkeys([*special, *english_words(), *said, "music", *alike, "blorp"]))
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n")
    config = transformers.BertConfig(
        vocab_size=len(pieces), hidden_size=64, num_hidden_layers=0, num_attention_heads=2, intermediate_size=8
    )
    torch.manual_seed(0)
    model = transformers.BertModel(config)
    with torch.no_grad():
        table = model.embeddings.word_embeddings.weight
        table.normal_()
        table[: len(special)] = 0
        model.embeddings.position_embeddings.weight.zero_()
        model.embeddings.token_type_embeddings.weight.zero_()
        for word, other in alike.items():
            table[pieces.index(word)] = table[pieces.index(other)]
    model.save_pretrained(folder)
    monkeypatch.setenv("KLANGBILD_HOME", str(tmp_path))
    return folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """The reference folder beside the repository; tests that need it say so and are skipped without it."""
    if not SHARED.is_dir():
        pytest.skip("needs the reference folder ../shared, which is not here")
    return SHARED


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium through Playwright; `make chromium` installs it. Skipped, with the reason, where it cannot be had."""
    path = next(
        (path for path in (os.environ.get("KLANGBILD_CHROMIUM"), *BROWSERS) if path and Path(path).exists()), None
    )
    if path is None:
        pytest.skip("needs Debian's Chromium (make chromium, as root), which is not on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (pip install '.[dev]')")
    with playwright.sync_playwright() as manager:
        browser = manager.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def small_films(monkeypatch):
    """Films of a sixteenth of their pixels, so that a test takes no longer than it must; gives {shape: (width, height)}."""
    from klangbild.show import film

    small = {"wide": (480, 270), "upright": (270, 480)}
    for shape, size in small.items():
        monkeypatch.setitem(film.SHAPES, shape, size)
    return small
