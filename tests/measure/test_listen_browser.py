"""The listening test in a real browser: keyboard alone, a phone 360 px wide, a restart half-way, nothing from elsewhere."""

import io
import wave

import numpy as np
import pytest
from PIL import Image
from test_listen import Running

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (pip install '.[dev]')")
expect = playwright.expect


@pytest.fixture
def study(tmp_path):
    """Four pictures and two engines, with pictures and sounds that a browser can open."""
    tone = (8000 * np.sin(np.arange(8000) / 5)).astype("<i2").tobytes()
    pictures, sounds = {}, {}
    for i in range(4):
        stream = io.BytesIO()
        Image.new("RGB", (80, 60), (60 * i, 90, 200 - 50 * i)).save(stream, "JPEG")
        pictures[f"p{i}"] = tmp_path / f"p{i}.jpg"
        pictures[f"p{i}"].write_bytes(stream.getvalue())
        for engine in ("a", "b"):
            path = sounds[f"p{i}", engine] = tmp_path / f"{engine}-{i}.wav"
            with wave.open(str(path), "wb") as out:
                out.setnchannels(1)
                out.setsampwidth(2)
                out.setframerate(8000)
                out.writeframes(tone)
    return tmp_path, pictures, sounds


def answer_by_keys(page):
    """Every question of a page by the keys that the page names, then Enter."""
    for slider in page.locator("input[type=range]").all():
        slider.focus()
        page.keyboard.press("ArrowRight")
    page.locator("audio").first.focus()
    for group in page.locator("fieldset:has(input[type=radio])").all():
        letters = group.locator("input").count() == 2
        page.keyboard.press("b" if letters else "4")
        assert group.locator("input:checked").count() == 1
    before = page.inner_text(".soft")
    page.keyboard.press("Enter")
    page.wait_for_function("(before) => document.querySelector('.soft')?.textContent !== before", arg=before)


def test_a_rater_with_keyboard_and_phone_goes_on_after_a_restart(chromium, study):
    running = Running(study)
    context = chromium.new_context(viewport={"width": 360, "height": 740}, bypass_csp=True)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
    address = f"http://127.0.0.1:{running.port}/"
    page.on("request", lambda r: None if r.url.startswith((address, "data:")) else wrong.append(r.url))
    page.goto(address)
    expect(page.get_by_role("button", name="Begin")).to_be_disabled()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("audio")
    pages = page.evaluate("document.querySelector('progress').max")
    for number in range(pages):
        assert page.inner_text(".soft").startswith(f"{number + 1} of {pages}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than the phone"
        assert page.evaluate("[...document.images].every((i) => i.alt)")
        if number == pages // 2:
            port = running.port
            running.stop()
            running = Running(study, port)
            page.reload()
            page.wait_for_selector("audio")
            assert page.inner_text(".soft").startswith(f"{number + 1} of {pages}")
        if number == 0:
            page.locator("audio").first.focus()
            page.keyboard.press("Space")
            page.wait_for_function("document.querySelector('audio').currentTime > 0")
        answer_by_keys(page)
    expect(page.locator("h1")).to_have_text("Thank you!")
    rows = running.store.rows()
    assert len({row["trial"] for row in rows}) == pages and len({row["rater"] for row in rows}) == 1
    running.stop()
    context.close()
    assert wrong == []


def test_axe_finds_no_serious_violation(chromium, study):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    running = Running(study)
    for scheme in ("light", "dark"):
        context = chromium.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme, bypass_csp=True)
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{running.port}/")
        page.check("#yes")
        page.click("button")
        page.wait_for_selector("audio")
        for _ in range(4):
            found = axe.Axe().run(page).response["violations"]
            assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")] == []
            answer_by_keys(page)
        context.close()
    running.stop()
