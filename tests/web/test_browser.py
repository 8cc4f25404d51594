"""The page in a real browser: the whole road by mouse and by keyboard, and everything the page promises on the way."""

import re

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (pip install '.[dev]')")
expect = playwright.expect

SHORT = "8"


def give(page, picture):
    page.set_input_files("#file", str(picture))
    expect(page.locator("#see-full")).to_be_visible(timeout=60_000)
    expect(page.locator("#see")).not_to_have_attribute("aria-busy", "true")


def set_seconds(page, seconds=SHORT):
    page.fill("#k-seconds", seconds)


def wait_for_music(page):
    expect(page.locator("#status")).to_be_hidden(timeout=90_000)
    expect(page.locator("#finished")).to_be_visible(timeout=90_000)
    expect(page.locator("#make")).to_have_text("Make music")


def make(page):
    page.click("#make")
    expect(page.locator("#make")).to_have_text("Stop and keep")
    wait_for_music(page)


def facts(page) -> dict[str, str]:
    found = {}
    for text in page.locator("#facts li").all_inner_texts():
        for name in ("mood asked", "length", "tempo", "key", "meter", "instruments", "loudness", "model", "seed"):
            if text.startswith(name + " "):
                found[name] = text.removeprefix(name + " ")
                break
    return found


def test_whole_road_by_mouse(visit, paintings, shots):
    page = visit()
    give(page, paintings[0])
    assert page.input_value("#alt")
    set_seconds(page, "6")
    page.click("#make")
    # notes are on the roll before the piece is finished
    page.wait_for_selector("canvas[data-notes]:not([data-notes='0'])")
    wait_for_music(page)
    assert page.evaluate("document.getElementById('sound').duration") > 3
    assert re.search(r"/dusk-\d+\.mp3$", page.get_attribute("#sound", "src"))
    # it plays, and the line on the roll follows
    page.click("#play")
    expect(page.locator("#clock")).to_contain_text("0:01 /")
    assert page.input_value("#seek") != "0"
    page.keyboard.press("Space")
    assert page.evaluate("document.getElementById('sound').paused")
    # every download comes, whole, under its name
    names = {}
    for link in page.locator(
        "#downloads a:not([href*='.mp4'])"
    ).all():  # the film takes its time: test_line.py has one made
        with page.expect_download() as download:
            link.click()
        names[link.inner_text()] = download.value.suggested_filename
        assert download.value.path().stat().st_size > 100
    seed = facts(page)["seed"]
    assert names["MIDI"] == f"dusk-{seed}.mid"
    assert names["ZIP for a DAW"] == f"dusk-{seed}.zip"
    assert set(names) == {"MIDI", "WAV", "MP3", "FLAC", "Stems", "PNG", "MusicXML", "HTML", "ZIP for a DAW", "JSON"}
    page.screenshot(path=shots / "desktop.png", full_page=True)
    # the same seed is the same music, another one is not
    words = page.inner_text("#piece-words")
    page.click("#again")
    wait_for_music(page)
    assert facts(page)["seed"] == seed and page.inner_text("#piece-words") == words
    page.click("#another")
    wait_for_music(page)
    assert facts(page)["seed"] != seed
    # the session remembers all three; two can be compared
    expect(page.locator("#history-list li")).to_have_count(3)
    page.locator("#history-list li").nth(2).get_by_text("Compare").click()
    expect(page.locator("#compare canvas")).to_have_count(2)
    assert "seed" in page.inner_text("#compare table")


def test_a_sound_engine_with_notes_gives_roll_and_midi_and_says_what_it_heard(visit):
    page = visit()
    page.fill("#k-text", "slow piano, qwxz, no drums")
    page.fill("#k-seconds", "4")
    page.check("input[name=engine][value=art2mus]")
    expect(page.locator("#k-negative")).to_be_visible()
    page.click("#advanced summary")
    expect(page.locator("#k-steps")).to_be_visible()
    expect(page.locator("#k-conditioning")).to_be_hidden()
    page.fill("#k-steps", "2")
    page.click("#music summary")
    expect(page.locator("#k-meter")).to_be_visible()
    page.fill("#k-tempo", "90")
    page.click("#make")
    page.wait_for_selector("#downloads a[href*='.mid']")
    heard = page.locator("#heard li").all_inner_texts()
    assert heard[:2] == ["Heard: slow, piano", "Kept away from: drums"] and "Not understood, left aside: qwxz" in heard
    assert "90 bpm" in page.inner_text("#facts") and "90 bpm" in page.get_attribute(
        "#roll .roll-sight canvas", "aria-label"
    )


def test_whole_road_by_keyboard_alone(visit, paintings):
    page = visit()
    give(page, paintings[1])  # the file dialog itself belongs to the browser

    def reach(selector, most=90):
        for _ in range(most):
            if page.evaluate("(s) => document.activeElement?.matches(s)", selector):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{selector} is not reached by Tab")

    page.keyboard.press("Tab")
    reach("#k-text")
    page.keyboard.type("calm")
    reach("#k-seconds")
    page.keyboard.press("Control+a")
    page.keyboard.type(SHORT)
    reach("#pad .handle")
    expect(page.locator("#see")).not_to_have_attribute("aria-busy", "true")
    page.wait_for_timeout(800)
    before = page.get_attribute("#pad .handle", "aria-valuetext")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowRight")
    assert page.get_attribute("#pad .handle", "aria-valuetext") != before
    assert page.evaluate("getComputedStyle(document.querySelector('#pad .handle .ring')).stroke") != "none"
    page.keyboard.press("Home")
    assert page.get_attribute("#pad .handle", "aria-valuetext") == before
    page.keyboard.press("ArrowDown")
    reach("#pad-make")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline not in ("none", "")
    page.keyboard.press("Enter")
    expect(page.locator("#make")).to_have_text("Stop and keep")
    wait_for_music(page)
    assert "ready" in page.inner_text("#live")
    reach("#downloads a")


def test_dragging_the_pad_changes_the_tempo(visit, paintings):
    page = visit()
    give(page, paintings[0])
    set_seconds(page)
    page.click("#advanced > summary")
    page.fill("#k-seed", "3")

    def drag(valence, arousal):
        page.locator("#pad svg").scroll_into_view_if_needed()
        handle, plane = page.locator("#pad .handle").bounding_box(), page.locator("#pad svg").bounding_box()
        unit = plane["width"] / 248
        page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
        page.mouse.down()
        page.mouse.move(plane["x"] + (124 + 100 * valence) * unit, plane["y"] + (122 - 100 * arousal) * unit, steps=5)
        page.mouse.up()
        assert abs(float(page.input_value("#arousal")) - arousal) < 0.1

    tempos = {}
    for name, arousal in (("calm", -0.9), ("excited", 0.9)):
        drag(0.2, arousal)
        make(page)
        tempos[name] = float(facts(page)["tempo"].split()[0])
    assert tempos["excited"] > tempos["calm"] + 10, tempos
    page.click("#pad-reset")
    expect(page.locator("#pad-reset")).to_be_hidden()


def test_stop_half_way_and_keep(visit, paintings):
    page = visit()
    give(page, paintings[2])
    set_seconds(page, "400")
    for _ in range(3):  # on a busy machine the piece may be done before the browser comes to press the button
        page.click("#make")
        page.wait_for_selector("canvas[data-notes]:not([data-notes='0'])")
        page.click("#make")
        wait_for_music(page)
        if "stopped early and kept" in page.inner_text("#piece-name"):
            break
    assert "stopped early and kept" in page.inner_text("#piece-name")
    length = page.evaluate("document.getElementById('sound').duration")
    assert 1 < length < 390


def test_two_browsers_get_their_own_music(visit, paintings):
    one, two = visit(), visit()
    for page, picture in ((one, paintings[0]), (two, paintings[1])):
        give(page, picture)
        set_seconds(page)
    one.click("#make")
    two.click("#make")
    for page, name in ((one, "Dusk"), (two, "Meadow")):
        wait_for_music(page)
        assert page.inner_text("#piece-name") == name
        expect(page.locator("#history-list li")).to_have_count(1)
    assert facts(one)["seed"] != facts(two)["seed"]


def test_a_piece_of_the_session_comes_back_with_its_picture_wishes_and_mood(visit, paintings):
    page = visit()
    give(page, paintings[0])
    set_seconds(page, "3")
    page.fill("#k-text", "stormy")
    page.wait_for_timeout(700)
    expect(page.locator("#see")).not_to_have_attribute("aria-busy", "true")
    page.fill("#valence", "-0.5")
    page.locator("#valence").blur()
    make(page)
    first, words = facts(page), page.inner_text("#piece-words")
    page.click("#advanced > summary")
    page.click("#reset")
    give(page, paintings[1])
    set_seconds(page, "5")
    make(page)
    assert page.inner_text("#piece-name") == "Meadow"
    page.locator("#history-list li").nth(1).get_by_text("Show").click()
    expect(page.locator("#piece-name")).to_have_text("Dusk")
    expect(page.locator("#see")).not_to_have_attribute("aria-busy", "true")
    assert page.input_value("#k-text") == "stormy" and page.input_value("#k-seconds") == "3"
    assert page.input_value("#k-seed") == "" and page.input_value("#valence") == "-0.50"
    page.click("#again")
    wait_for_music(page)
    assert facts(page) == first and page.inner_text("#piece-words") == words


def test_on_a_phone_the_button_to_stop_is_where_the_music_grows(visit, paintings):
    page = visit(viewport={"width": 360, "height": 740}, has_touch=True, reduced_motion="reduce")
    give(page, paintings[2])
    set_seconds(page, "400")
    page.tap("#make")
    page.wait_for_selector("canvas[data-notes]:not([data-notes='0'])")
    expect(page.locator("#make")).to_be_in_viewport(ratio=1)
    page.tap("#make")
    wait_for_music(page)
    assert "stopped early and kept" in page.inner_text("#piece-name")


def test_every_example_plays(visit):
    page = visit()
    cards = page.locator(".example")
    if cards.count() == 0:
        pytest.skip("no examples have been made (python -m klangbild.web.make_examples examples/pictures)")
    heard = set()
    for index in range(cards.count()):
        cards.nth(index).click()
        expect(cards.nth(index)).to_have_attribute("aria-current", "true")
        expect(page.locator("#finished")).to_be_visible()
        page.wait_for_selector("canvas[data-notes]:not([data-notes='0'])")
        for _ in range(100):
            # the card is marked at once, the player follows: until then the example before still plays
            playing = page.evaluate(
                "(p => p.currentTime > 0 && p.duration > 5 ? p.getAttribute('src') : null)(document.getElementById('sound'))"
            )
            if playing and playing not in heard:
                break
            page.wait_for_timeout(100)
        else:
            raise AssertionError(f"example {index} does not play")
        heard.add(playing)
        expect(page.locator("#see")).not_to_have_attribute("aria-busy", "true")
    assert len(heard) == cards.count()


def test_bad_files_and_values_get_their_sentence(visit, paintings, tmp_path):
    page = visit()
    page.click("#make")
    expect(page.locator("#e-picture")).to_have_text("Give a picture first, or a few words.")
    text = tmp_path / "letter.png"
    text.write_text("Dear picture, ...")
    page.set_input_files("#file", str(text))
    expect(page.locator("#e-picture")).to_contain_text("letter.png: is text, not a picture; give a JPEG")
    assert page.evaluate("document.activeElement.id") == "file"
    cut = tmp_path / "cut.png"
    cut.write_bytes(paintings[0].read_bytes()[:2000])
    page.set_input_files("#file", str(cut))
    expect(page.locator("#e-picture")).to_contain_text("cut.png: is cut off or damaged")
    # a good one afterwards is welcome, and a value out of range is told by its own field
    give(page, paintings[0])
    expect(page.locator("#e-picture")).to_be_hidden()
    page.click("#music summary")
    page.fill("#k-tempo", "999")
    page.click("#make")
    expect(page.locator("#e-tempo")).to_have_text(
        "Tempo in beats per minute 999 is out of range; give a number from 40 to 240"
    )
    assert page.evaluate("document.activeElement.id") == "k-tempo"
    page.fill("#k-tempo", "")
    for name in ("instruments", "without"):
        page.check(f"input[name={name}][value=piano]")
    page.click("#music summary")  # closed again: the error opens it
    page.click("#make")
    expect(page.locator("#e-instruments")).to_contain_text("both name piano")
    assert page.evaluate("document.activeElement.name") == "instruments"


def test_dropped_and_pasted_pictures_are_taken(visit, paintings):
    page = visit()
    for number, event in ((0, "drop"), (1, "paste")):
        page.evaluate(
            """([bytes, name, kind]) => {
              const data = new DataTransfer();
              data.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
              const event = kind === "drop" ? new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true })
                : new ClipboardEvent(kind, { clipboardData: data, bubbles: true, cancelable: true });
              document.body.dispatchEvent(event);
            }""",
            [list(paintings[number].read_bytes()), paintings[number].name, event],
        )
        expect(page.locator("#see-full")).to_be_visible(timeout=60_000)
        expect(page.locator("#see")).not_to_have_attribute("aria-busy", "true", timeout=60_000)
        expect(page.locator("#preview")).to_be_visible()
    assert page.locator("#palette li").count() >= 2


def test_preset_goes_out_and_comes_back(visit, paintings, tmp_path):
    page = visit()
    page.click("#music summary")
    page.check("input[name=instruments][value=piano]")
    page.fill("#k-tempo", "96")
    page.click("#advanced > summary")
    with page.expect_download() as download:
        page.click("#preset-save")
    path = tmp_path / "preset.json"
    download.value.save_as(path)
    page.click("#reset")
    assert page.input_value("#k-tempo") == "" and not page.is_checked("input[name=instruments][value=piano]")
    page.set_input_files("#preset-load", str(path))
    expect(page.locator("#k-tempo")).to_have_value("96")
    assert page.is_checked("input[name=instruments][value=piano]")
    path.write_text('{"tempo": 7}')
    page.set_input_files("#preset-load", str(path))
    expect(page.locator("#e-tempo")).to_contain_text("out of range")
    # a mood in the settings holds for the first picture that comes after them
    path.write_text('{"valence": -0.4, "arousal": 0.3, "soundfont": "TimGM6mb.sf2"}')
    page.set_input_files("#preset-load", str(path))
    expect(page.locator("#valence")).to_have_value("-0.40")
    give(page, paintings[0])
    assert page.input_value("#valence") == "-0.40" and page.is_visible("#pad-reset")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("desktop", {}),
        ("phone", {"viewport": {"width": 360, "height": 740}, "has_touch": True}),
        ("dark", {"color_scheme": "dark"}),
        ("wide", {"viewport": {"width": 3840, "height": 2160}, "reduced_motion": "reduce"}),
    ],
)
def test_axe_finds_no_violation(visit, paintings, shots, name, options):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    page = visit(**options)
    if options:
        page.locator(".example").nth(1).click()
        expect(page.locator("#finished")).to_be_visible()
        expect(page.locator("#see")).not_to_have_attribute("aria-busy", "true")
    else:
        give(page, paintings[1])
        set_seconds(page, "4")
        page.fill("#valence", "0.5")
        make(page)
    for details in page.locator("details").all():
        details.evaluate("(d) => (d.open = true)")
    found = axe.Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than its window"
    for details in page.locator("details").all():
        details.evaluate("(d) => (d.open = false)")
    page.screenshot(path=shots / f"{name}-result.png", full_page=True)


@pytest.mark.parametrize("options", [{}, {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}])
def test_the_api_can_be_read_in_the_browser(visit, server, options):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    page = visit(**options)
    page.goto(f"{server.url}/v1/docs")
    page.locator("summary", has_text="/v1/compose").click()
    expect(page.locator("code", has_text="rest_temperature").first).to_be_visible()
    for details in page.locator("details").all():
        details.evaluate("(d) => (d.open = true)")
    found = axe.Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than its window"
