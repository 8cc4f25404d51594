"""A real server on a free port, and a real browser when Debian's Chromium can be had."""

from pathlib import Path

import pytest
from running import Server, Watch

SHOTS = Path(__file__).resolve().parents[2] / "artefacts" / "page"


@pytest.fixture(scope="session")
def server():
    """One server for all tests.

    What it would import in its own thread is imported here first: pytest rewrites modules as they load, and in Python 3.11 two
    threads that compile at once can fail ("AST constructor recursion depth mismatch").
    """
    import anyio

    assert anyio.open_file
    running = Server()
    yield running
    running.close()


@pytest.fixture(scope="session")
def paintings(tmp_path_factory) -> list[Path]:
    """Three small pictures of unlike moods."""
    import numpy as np
    from PIL import Image

    folder = tmp_path_factory.mktemp("paintings")
    rng = np.random.default_rng(3)
    found = []
    for name, top, bottom in (
        ("dusk", (40, 70, 140), (240, 190, 120)),
        ("meadow", (120, 190, 250), (60, 160, 50)),
        ("night", (8, 8, 20), (40, 20, 40)),
    ):
        ramp = np.linspace(top, bottom, 96)[:, None, :] * np.ones((1, 128, 1))
        path = folder / f"{name}.png"
        Image.fromarray(np.clip(ramp + rng.normal(0, 8, ramp.shape), 0, 255).astype(np.uint8)).save(path)
        found.append(path)
    return found


@pytest.fixture
def visit(chromium, server):
    """visit(**context options) -> a page of its own browser session, on the start page; at the end it must have behaved."""
    opened = []

    def open_page(**options):
        context = chromium.new_context(**{"viewport": {"width": 1366, "height": 900}, **options})
        context.set_default_timeout(60_000)
        page = context.new_page()
        watch = Watch(page, server.url)
        page.goto(server.url)
        page.wait_for_selector("html[data-ready]")
        opened.append((context, watch))
        return page

    yield open_page
    for context, watch in opened:
        context.close()
        assert watch.errors == []
        assert watch.outside == []


@pytest.fixture(scope="session")
def shots() -> Path:
    """Where screenshots go (not in the repository; kept by CI)."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    return SHOTS
