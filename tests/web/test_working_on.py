"""Takes, and working on a piece: several are kept and heard by keys; a piece is gone on from, written anew in part, changed a little; files
that are dropped bring back what they know."""

import json
from pathlib import Path

import pytest
from test_browser import expect, give, set_seconds, wait_for_music

DROP = """([name, type, bytes]) => {
  const held = new DataTransfer();
  held.items.add(new File([new Uint8Array(bytes)], name, { type }));
  dispatchEvent(new DragEvent("drop", { dataTransfer: held, bubbles: true, cancelable: true }));
}"""


def drop(page, name, content, kind=""):
    page.evaluate(DROP, [name, kind, list(content)])


def seed(page) -> int:
    return int(page.inner_text("#seed").split()[-1])


def record(page) -> dict:
    return page.evaluate("async () => (await import('/static/making.js')).music.shown.record")


@pytest.fixture(scope="module")
def piece(chromium, server, paintings):
    """A page with two takes of a piece; the tests of this file go on with it."""
    context = chromium.new_context(viewport={"width": 1366, "height": 900})
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(server.url)
    page.wait_for_selector("html[data-ready]")
    give(page, paintings[0])
    set_seconds(page, "9")
    page.select_option("#takes", "2")
    page.click("#make")
    wait_for_music(page)
    yield page
    context.close()


def done(page):
    expect(page.locator("#make")).to_have_text("Make music", timeout=90_000)
    expect(page.locator("#finished")).to_be_visible(timeout=90_000)


def test_takes_are_all_kept_and_heard_by_keys_and_side_by_side(piece):
    first = seed(piece)
    expect(piece.locator("#takes-row button").nth(1)).to_be_enabled(timeout=90_000)
    expect(piece.locator("#history-list li")).to_have_count(2)
    piece.locator("#result-h").click()
    piece.keyboard.press("2")
    expect(piece.locator("#seed")).to_have_text(f"seed {first + 1}")
    expect(piece.locator("#takes-row button").nth(1)).to_have_attribute("aria-pressed", "true")
    piece.keyboard.press("1")
    expect(piece.locator("#seed")).to_have_text(f"seed {first}")
    piece.locator("#takes-row").get_by_text("Side by side").click()
    expect(piece.locator("#compare canvas")).to_have_count(2)
    piece.select_option("#takes", "1")


def test_bars_are_written_anew_and_marked_on_the_roll(piece):
    before = record(piece)
    piece.fill("#anew-bars", "2")
    piece.locator("#anew button").click()
    done(piece)
    expect(piece.locator("#roll .roll-wide canvas")).to_have_attribute("data-anew", "2-2")
    after = record(piece)
    assert after["edit"]["wish"]["bars"] and after["music"]["bars"] == before["music"]["bars"]
    piece.fill("#anew-bars", "99")
    piece.locator("#anew button").click()
    expect(piece.locator("#e-work")).to_contain_text("the piece has")
    # the piece that was there is still there
    expect(piece.locator("#finished")).to_be_visible()
    assert record(piece)["seed"] == after["seed"]


def test_a_piece_is_changed_a_little_and_keeps_its_seed(piece):
    before = record(piece)
    piece.locator("[data-chip=calmer]").click()
    done(piece)
    after = record(piece)
    assert after["seed"] == before["seed"] and after["music"]["tempo"] < before["music"]["tempo"]


def test_a_piece_is_gone_on_from(piece):
    before = record(piece)
    piece.click("#go-on")
    done(piece)
    after = record(piece)
    assert after["settings"]["continue_from"] and after["music"]["bars"] > before["music"]["bars"]


def test_a_file_of_ours_brings_its_settings_back_and_costs_no_picture(visit, paintings, server):
    import klangbild

    made = klangbild.compose(
        text="stormy", seconds=3, seed=5, tempo=96, instruments=("piano", "bass"), valence=-0.5, arousal=0.5
    )
    page = visit(locale="de")
    give(page, paintings[0])
    picture = page.get_attribute("#preview", "src")
    folder = Path(paintings[0]).parent
    made.save(folder, formats=("json", "mid", "mp3", "png"), filename="ours")
    for name in ("ours.json", "ours.mid", "ours.mp3", "ours.png"):
        path = folder / name
        page.click("#reset") if page.locator("#reset").is_visible() else None
        page.fill("#k-text", "")
        drop(page, Path(path).name, Path(path).read_bytes())
        expect(page.locator("#live")).to_have_text(f"Die Einstellungen aus {Path(path).name} sind wieder da.")
        assert (
            page.input_value("#k-text") == "stormy"
            and page.input_value("#k-tempo") == "96"
            and page.input_value("#k-seed") == "5"
        )
        assert page.input_value("#valence") == "-0,50"
        assert page.is_checked("[data-field=instruments] [value=bass]")
    assert page.get_attribute("#preview", "src") == picture and page.locator("#preview").is_visible()


def test_a_midi_file_of_somebody_else_is_gone_on_from_and_a_wrong_file_costs_nothing(visit, paintings):
    page = visit()
    give(page, paintings[0])
    from klangbild.music.midi import to_midi_bytes
    from klangbild.music.piece import Piece, Track, make_notes

    notes = make_notes([0, 1, 2, 3], [1] * 4, [60, 62, 64, 65], [80] * 4)
    drop(page, "theirs.mid", to_midi_bytes(Piece((Track("piano", 0, notes),))))
    expect(page.locator("#live")).to_have_text("theirs.mid is what the music goes on from.")
    assert page.evaluate("document.getElementById('k-continue_from').files[0].name") == "theirs.mid"
    for name, content in (
        ("notes.txt", b"hello"),
        ("theirs.mp3", b"ID3 no record"),
        ("settings.json", json.dumps({"a": 1}).encode()),
    ):
        drop(page, name, content)
        expect(page.locator("#e-picture")).to_be_visible()
        expect(page.locator("#preview")).to_be_visible()
        assert page.evaluate("async () => (await import('/static/mood.js')).mood.picture?.name") == "dusk.png", name
