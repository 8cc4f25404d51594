"""What survives: a reload in the middle of a run, a server that falls silent, an hour that is over, a wrong file, three pictures at once."""

import io
import json
import re
import signal
import subprocess
import time
import urllib.request
import zipfile

import pytest
from running import klangbild_command
from test_browser import give, make, set_seconds, wait_for_music

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (pip install '.[dev]')")
expect = playwright.expect

NOTES = "#roll canvas[data-notes]:not([data-notes='0'])"
KEPT = """async () => {
  const { pieces } = await import("/static/shelf.js");
  return (await pieces()).map(({ id, status, title, star, midi, thumbnail, record, source, links }) =>
    ({ source: Boolean(source), id, status, title, star, midi: midi?.size, thumbnail: thumbnail?.size, seed: record?.seed, self: links.self }));
}"""


def sound_shown(page):
    return page.evaluate("import('/static/result.js').then(({ player }) => player.track && player.track.sound)")


def wait_ready(page):
    page.wait_for_selector("html[data-ready]")


def test_a_run_is_followed_again_after_a_reload_with_its_picture_words_and_wishes(visit, paintings):
    page = visit()
    give(page, paintings[0])
    page.fill("#k-text", "hopeful piano")
    page.fill("#alt", "a dusk of mine")
    set_seconds(page, "400")
    page.click("#make")
    page.wait_for_selector(NOTES)
    page.reload()
    wait_ready(page)
    expect(page.locator("#make")).to_have_text("Stop and keep")
    expect(page.locator("#status-words")).to_contain_text("%")
    page.wait_for_selector(NOTES)
    expect(page.locator("#preview")).to_be_visible()
    assert page.input_value("#k-text") == "hopeful piano" and page.input_value("#k-seconds") == "400"
    assert page.input_value("#alt") == "a dusk of mine"
    expect(page.locator("#see-full")).to_be_visible()
    # another tab of this browser sees it as well
    other = page.context.new_page()
    other.goto(page.url)
    wait_ready(other)
    expect(other.locator("#make")).to_have_text("Stop and keep")
    other.close()
    page.click("#make")
    expect(page.locator("#make")).to_be_disabled()


def test_a_reload_before_anything_is_made_costs_nothing_either(visit, paintings):
    page = visit(locale="de")
    give(page, paintings[2])
    page.fill("#k-text", "ruhig")
    page.fill("#k-seconds", "7,5")
    page.check("input[name=engine][value=melfusion]")
    page.wait_for_timeout(700)
    expect(page.locator("#see")).not_to_have_attribute("aria-busy", "true")
    page.fill("#valence", "-0,5")
    page.locator("#valence").blur()
    page.reload()
    wait_ready(page)
    expect(page.locator("#preview")).to_be_visible()
    expect(page.locator("#valence")).to_have_value("-0,50")
    assert page.input_value("#k-text") == "ruhig" and page.input_value("#k-seconds") == "7,5"
    assert page.is_checked("input[name=engine][value=melfusion]")


def test_what_is_shown_is_what_plays_or_nothing_does(visit, paintings):
    page = visit()
    give(page, paintings[1])
    set_seconds(page, "3")
    page.fill("#k-text", "calm")
    make(page)
    first = page.inner_text("#seed")
    set_seconds(page, "90")
    page.click("#make")
    expect(page.locator("#finished")).to_be_hidden()
    page.wait_for_selector(NOTES)
    assert sound_shown(page) is None  # the new one has notes, and no sound yet
    page.click("#make")
    wait_for_music(page)
    second = page.inner_text("#seed")
    page.reload()
    wait_ready(page)
    expect(page.locator("#seed")).to_have_text(second)  # what was shown is shown again
    for row, seed in ((1, first), (0, second), (1, first)):
        page.locator("#history-list li").nth(row).get_by_text("Show").click()
        expect(page.locator("#seed")).to_have_text(seed)
        expect(page.locator("#play")).to_be_enabled()
        assert f"-{seed.split()[-1]}.mp3" in sound_shown(page)


def test_a_piece_past_its_hour_comes_again_is_named_starred_deleted_and_saved(visit, server, paintings):
    page = visit()
    give(page, paintings[0])
    set_seconds(page, "4")
    page.click("#music summary")
    page.fill("#k-drafts", "0")
    make(page)
    for _ in range(100):
        [kept] = page.evaluate(KEPT)
        if kept["source"]:
            break
        page.wait_for_timeout(100)
    assert kept["midi"] > 100 and kept["thumbnail"] > 500 and kept["status"] == "done"
    file = page.get_attribute("#downloads a[href*='.mid']", "href")
    notes = urllib.request.urlopen(f"{server.url}{file}").read()
    sound = urllib.request.urlopen(f"{server.url}{sound_shown(page)}").read()
    # the server forgets it; the page is opened anew
    urllib.request.urlopen(urllib.request.Request(f"{server.url}{kept['self']}", method="DELETE")).read()
    page.reload()
    wait_ready(page)
    expect(page.locator("#piece-name")).to_have_text("Dusk")
    expect(page.locator("#play")).to_be_enabled(timeout=60_000)
    assert kept["id"] not in sound_shown(page)
    again = page.get_attribute("#downloads a[href*='.mid']", "href")
    assert urllib.request.urlopen(f"{server.url}{again}").read() == notes
    assert urllib.request.urlopen(f"{server.url}{sound_shown(page)}").read() == sound
    row = page.locator("#history-list li").nth(0)
    row.locator("[data-act=star]").click()
    expect(row.locator("[data-act=star]")).to_have_attribute("aria-pressed", "true")
    row.locator("[data-act=rename]").click()
    row.locator("input").fill("My evening")
    row.locator("input").press("Enter")
    expect(row.locator(".name")).to_have_text(f"My evening, seed {kept['seed']}")
    expect(page.locator("#piece-name")).to_have_text("My evening")
    with page.expect_download() as download:
        page.click("#save-all")
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as saved:
        stem = f"My evening-{kept['seed']}"
        assert saved.testzip() is None and set(saved.namelist()) == {f"{stem}.json", f"{stem}.mid", f"{stem}.jpg"}
        assert saved.read(f"{stem}.mid") == notes
        assert json.loads(saved.read(f"{stem}.json"))["seed"] == kept["seed"]
    row.locator("[data-act=delete]").click()
    expect(page.locator("#history-list li")).to_have_count(0)
    page.locator("#e-history button").click()  # undone
    expect(row.locator(".name")).to_have_text(f"My evening, seed {kept['seed']}")
    assert page.evaluate(KEPT)[0]["star"] is True
    row.locator("[data-act=delete]").click()
    page.reload()
    wait_ready(page)
    assert page.evaluate(KEPT) == [] and page.locator("#history").is_hidden()


def test_three_pictures_make_a_queue(visit, paintings):
    page = visit()
    page.set_input_files("#file", [str(path) for path in paintings])
    expect(page.locator("#see-full")).to_be_visible()
    expect(page.locator("#queue-list li")).to_have_count(2)
    expect(page.locator("#make")).to_have_text("Make music of 3 pictures")
    set_seconds(page, "2")
    page.click("#music summary")
    page.fill("#k-drafts", "0")
    page.click("#make")
    expect(page.locator("#history-list .name")).to_have_count(3, timeout=60_000)
    expect(page.locator("#history-list").get_by_text("Show")).to_have_count(3, timeout=90_000)
    names = [name.split(",")[0] for name in page.locator("#history-list .name").all_inner_texts()]
    assert sorted(names) == ["Dusk", "Meadow", "Night"]
    expect(page.locator("#piece-name")).to_have_text("Dusk")  # the first, and no other, is on the page
    expect(page.locator("#make")).to_have_text("Make music")


def test_a_wrong_file_does_not_cost_the_picture_that_was_there(visit, paintings, tmp_path):
    page = visit()
    give(page, paintings[0])
    tune = tmp_path / "tune.png"
    tune.write_bytes(b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\4\0\xff\x2f\0")
    page.set_input_files("#file", str(tune))
    expect(page.locator("#e-picture")).to_contain_text("tune.png")
    expect(page.locator("#preview")).to_be_visible()
    set_seconds(page, "2")
    make(page)
    assert page.inner_text("#piece-name") == "Dusk"


def test_an_upload_gives_signs_of_life(visit, paintings, tmp_path):
    page = visit()
    slow = page.context.new_cdp_session(page)
    limits = {"offline": False, "latency": 5, "downloadThroughput": -1, "uploadThroughput": 12_000}
    slow.send("Network.emulateNetworkConditions", limits)
    page.set_input_files("#file", str(paintings[0]))
    expect(page.locator("#sending-words")).to_have_text("Sending: 0 %")
    expect(page.locator("#sending-words")).not_to_have_text("Sending: 0 %", timeout=10_000)
    slow.send("Network.emulateNetworkConditions", {**limits, "uploadThroughput": -1})
    expect(page.locator("#see-full")).to_be_visible()
    expect(page.locator("#sending")).to_be_hidden()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs POSIX signals, which are not here")
def test_a_server_that_falls_silent_is_noticed_and_the_half_roll_says_so(chromium, paintings):
    command = [*klangbild_command(), "serve", "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    context = chromium.new_context()
    try:
        page = context.new_page()
        page.goto(re.search(r"http://\S+", server.stdout.readline())[0])
        wait_ready(page)
        give(page, paintings[0])
        set_seconds(page, "600")
        page.click("#make")
        page.wait_for_selector(NOTES, timeout=60_000)
        server.send_signal(signal.SIGSTOP)
        since = time.monotonic()
        expect(page.locator("#e-general")).to_contain_text("does not answer any more", timeout=8_000)
        # 1.8 s without a word, a second for an answer; the rest is for a busy machine
        assert time.monotonic() - since < 4.0
        assert "fell silent" in page.get_attribute("#roll .roll-sight canvas", "aria-label")
        expect(page.locator("#make")).to_have_text("Make music")
        # it is back: the run is followed again by itself
        server.send_signal(signal.SIGCONT)
        expect(page.locator("#make")).to_have_text("Stop and keep", timeout=15_000)
        expect(page.locator("#e-general")).to_be_hidden()
    finally:
        context.close()
        server.kill()  # its workers end with it
        server.wait(timeout=30)


@pytest.mark.parametrize(
    ("width", "height"), [(1280, 720), (1440, 900), (390, 844), (1024, 768)], ids=lambda size: str(size)
)
def test_the_button_is_in_sight_after_choosing_and_the_player_after_an_example(visit, paintings, width, height):
    page = visit(viewport={"width": width, "height": height}, has_touch=width < 500)
    give(page, paintings[0])
    expect(page.locator("#make")).to_be_in_viewport(ratio=1)
    assert page.evaluate("scrollY") == 0
    page.locator(".example").nth(1).click()
    expect(page.locator("#play")).to_be_in_viewport(ratio=1)
    expect(page.locator("#player")).to_have_class("player playing")
    expect(page.locator("#make")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # and stays, at the foot, covered by nothing
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.locator("#player")).to_have_class("player playing at-foot")
    expect(page.locator("#play")).to_be_in_viewport(ratio=1)
    box = page.locator("#play").bounding_box()
    at = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
    assert page.evaluate("([x, y]) => Boolean(document.elementFromPoint(x, y).closest('#play'))", at)
