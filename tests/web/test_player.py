"""The page's own player in a real browser: lanes are the mixer, bars go round without drift, what is heard can be kept."""

import base64
import io
import urllib.request

import numpy as np
import pytest
import soundfile
from running import Watch

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (pip install '.[dev]')")
expect = playwright.expect

# the player of the page, asked for what it does
STATE = """async () => {
  const { player } = await import("/static/result.js");
  return { deck: player.onDeck, playing: player.playing, at: player.seconds, loop: player.loop, speed: player.speed,
           gains: player.track && player.gains, sound: player.track?.sound, bars: player.track?.bars };
}"""
# lanes through the worklet, in the browser's own offline renderer
RENDER = """async ({ lanes, orders, seconds }) => {
  const context = new OfflineAudioContext(2, seconds * 44100, 44100);
  await context.audioWorklet.addModule("/static/tape_worklet.js");
  const load = lanes.map(({ name, hz }) => {
    const tone = Int16Array.from({ length: 44100 * 8 }, (_, i) => 9000 * Math.sin((2 * Math.PI * hz * i) / 44100) * (1 - (i % 22050) / 44100));
    return { name, channels: [tone, tone] };
  });
  const options = { orders: [{ load }, ...orders, { playing: true }] };
  const node = new AudioWorkletNode(context, "tape", { numberOfInputs: 0, outputChannelCount: [2], processorOptions: options });
  node.connect(context.destination);
  const bytes = new Uint8Array((await context.startRendering()).getChannelData(0).buffer);
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}"""


@pytest.fixture(scope="module")
def tape(chromium, server):
    """render(lanes {name: Hz}, orders, seconds) -> what a worklet of ours plays, float64 (frames,)."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(server.url)
    page.wait_for_selector("html[data-ready]")

    def render(lanes, orders, seconds):
        given = [{"name": name, "hz": hz} for name, hz in lanes.items()]
        sound = page.evaluate(RENDER, {"lanes": given, "orders": orders, "seconds": seconds})
        return np.frombuffer(base64.b64decode(sound), "<f4").astype(float)

    yield render
    context.close()


def strongest_hz(sound):
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return spectrum.argmax() * 44100 / len(sound)


def test_a_muted_lane_is_silent_and_the_other_is_as_it_was(tape):
    both = {"drums": 330, "piano": 220}
    assert np.abs(tape({"drums": 330}, [{"mix": {"drums": 0}}], 1)).max() == 0
    alone, muted = tape({"piano": 220}, [], 1), tape(both, [{"mix": {"drums": 0}}], 1)
    assert np.abs(alone).max() > 0.2 and np.array_equal(alone, muted)
    halved = tape(both, [{"mix": {"drums": 0, "piano": 0.5}}], 1)
    assert np.allclose(halved, alone / 2, atol=1e-6)


def test_ten_rounds_of_a_loop_are_ten_times_the_same_to_the_sample(tape):
    # two bars of 1.1 s, from a place that is no whole block of the sound thread
    first, last = 44_100 + 37, 44_100 + 37 + 48_511
    sound = tape({"piano": 220}, [{"seek": first}, {"round": [first, last]}], 11.2)
    rounds = sound[: 10 * 48_511].reshape(10, 48_511)
    assert np.abs(rounds[1:] - rounds[1]).max() == 0
    assert np.array_equal(rounds[0][1000:], rounds[1][1000:])  # the first has no end before it to fade out
    assert np.abs(np.diff(sound)).max() < 0.05  # no click where it goes round


@pytest.mark.parametrize("speed", [0.5, 0.75, 1.5])
def test_slower_and_faster_keep_the_pitch_and_the_time(tape, speed):
    sound = tape({"piano": 440}, [{"pace": speed}], 3)
    assert strongest_hz(sound[22_050:]) == pytest.approx(440, abs=1.5)
    # the tone is struck anew each half second of the piece
    level = np.abs(sound).reshape(-1, 441).max(axis=1)
    struck = np.flatnonzero(np.diff(level) > 0.06)
    apart_s = np.median(np.diff(struck[np.diff(struck, prepend=-99) > 5])) / 100
    assert apart_s == pytest.approx(0.5 / speed, abs=0.03)


@pytest.fixture(scope="module")
def finished_page(chromium, server, paintings):
    """A page with a finished piece of piano, bass and drums."""
    context = chromium.new_context(viewport={"width": 1366, "height": 900})
    page = context.new_page()
    watch = Watch(page, server.url)
    page.goto(server.url)
    page.wait_for_selector("html[data-ready]")
    page.set_input_files("#file", str(paintings[0]))
    expect(page.locator("#see-full")).to_be_visible()
    page.fill("#k-seconds", "9")
    page.fill("#k-text", "piano, bass, drums, 120 bpm")
    page.click("#music summary")
    for family in ("piano", "bass", "drums"):
        page.check(f"input[name=instruments][value={family}]")
    page.fill("#k-drafts", "0")
    page.click("#music summary")
    page.click("#make")
    expect(page.locator("#finished")).to_be_visible(timeout=90_000)
    expect(page.locator("#make")).to_have_text("Make music")
    yield page
    context.close()
    assert watch.errors == [] and watch.outside == []


@pytest.fixture
def made(finished_page):
    """That page, its player as it was in the beginning."""
    finished_page.evaluate("""async () => {
      const { player } = await import("/static/result.js");
      player.pause();
      player.round(null);
      player.pace(1);
      player.seek(0);
      for (const family of player.track.families) player.mixLane(family, { fader: 1, mute: false, solo: false });
      scrollTo(0, 0);
    }""")
    return finished_page


def wait_for_deck(page):
    for _ in range(200):
        state = page.evaluate(STATE)
        if state["deck"]:
            return state
        page.wait_for_timeout(100)
    raise AssertionError(page.inner_text("#e-player"))


def lane(server, page, family):
    links = page.evaluate("import('/static/making.js').then(({ music }) => music.shown.links)")
    with urllib.request.urlopen(f"{server.url}{links['lanes']}/{family}.flac") as answer:
        return soundfile.read(io.BytesIO(answer.read()))[0]


def test_lanes_are_the_mixer_and_what_is_heard_can_be_kept(made, server, tmp_path):
    page = made
    page.locator("body").press("Space")
    expect(page.locator("#player")).to_have_class("player playing")
    page.locator(".lane-head[data-family=drums] .mute").click()
    expect(page.locator("#live")).to_have_text("Drums is muted")
    state = wait_for_deck(page)
    assert state["gains"] == {"drums": 0, "piano": 1, "bass": 1} and state["playing"]
    page.locator(".lane-head[data-family=bass] input").fill("0.5")
    for family, height in page.evaluate(
        "[...document.querySelectorAll('.lane-head')].map((head) => [head.dataset.family, head.offsetHeight])"
    ):
        assert height >= 44, family
    with page.expect_download() as download:
        page.click("#take-mix")
    assert download.value.suggested_filename.endswith("-mix.wav")
    kept, rate = soundfile.read(download.value.path())
    wanted = lane(server, page, "piano") + 0.5 * lane(server, page, "bass")
    assert rate == 44100 and np.abs(kept - wanted).max() < 2**-14
    assert b"AI generated" in download.value.path().read_bytes()[:200]
    # solo goes before, a second press ends it; keys do the same to the lane that is chosen
    page.locator(".lane-head[data-family=piano] .solo").click()
    assert page.evaluate(STATE)["gains"] == {"drums": 0, "piano": 1, "bass": 0}
    page.locator("body").press("s")
    page.locator("body").press("3")
    page.locator("body").press("m")
    assert page.evaluate(STATE)["gains"] == {"drums": 0, "piano": 1, "bass": 0}
    was = page.evaluate(STATE)["playing"]  # it may have come to its end
    page.locator("body").press("Space")
    assert page.evaluate(STATE)["playing"] is not was


def test_bars_are_chosen_on_the_roll_and_go_round(made):
    page = made
    bars = page.evaluate(STATE)["bars"]
    sight = page.locator("#roll .roll-sight").bounding_box()
    scale = page.evaluate("import('/static/result.js').then(({ roll }) => roll.scale)")
    places = [sight["x"] + (bars[index] + 0.3) * scale for index in (1, 2)]
    page.mouse.move(places[0], sight["y"] + 60)
    page.mouse.down()
    page.mouse.move(places[1], sight["y"] + 70, steps=4)
    page.mouse.up()
    state = wait_for_deck(page)
    assert state["loop"] == pytest.approx([bars[1], bars[3]])
    assert [page.input_value("#loop-from"), page.input_value("#loop-to")] == ["2", "3"]
    assert state["at"] == pytest.approx(bars[1], abs=0.02)
    page.select_option("#speed", "1.5")
    page.click("#play")
    page.wait_for_timeout(int(1000 * (bars[3] - bars[1]) / 1.5) + 600)
    state = page.evaluate(STATE)
    assert bars[1] <= state["at"] < bars[3] and state["playing"]
    # by the numbers as well, and off again
    page.fill("#loop-from", "1")
    page.locator("#loop-from").blur()
    assert page.evaluate(STATE)["loop"] == pytest.approx([bars[0], bars[3]])
    page.locator("body").press("l")
    assert page.evaluate(STATE)["loop"] is None
    expect(page.locator("#loop-bars")).to_be_hidden()
    # out of sight the player stays at the foot, with what it plays
    page.locator("footer").scroll_into_view_if_needed()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    if page.evaluate("document.getElementById('player-place').getBoundingClientRect().bottom < 0"):
        expect(page.locator("#player")).to_have_class("player playing at-foot")
    expect(page.locator("#play")).to_be_in_viewport()


def test_a_key_goes_a_bar_back_and_on_but_not_while_somebody_writes(made):
    page = made
    bars = page.evaluate(STATE)["bars"]
    page.locator("body").press("ArrowRight")
    page.locator("body").press("ArrowRight")
    assert page.evaluate(STATE)["at"] == pytest.approx(bars[2], abs=0.05)
    page.locator("body").press("ArrowLeft")
    assert page.evaluate(STATE)["at"] == pytest.approx(bars[1], abs=0.05)
    page.locator("#k-text").press("m")
    page.locator("#k-text").press("ArrowLeft")
    assert all(gain == 1 for gain in page.evaluate(STATE)["gains"].values())
    page.click("#keys-help summary")
    page.uncheck("#use-keys")
    page.locator("body").press("m")
    assert all(gain == 1 for gain in page.evaluate(STATE)["gains"].values())
    page.evaluate("scrollTo(0, 0)")
    # closer: bars are farther apart, and there is more than is in sight
    page.click("#closer")
    page.click("#closer")
    sight = page.locator("#roll .roll-sight")
    assert sight.evaluate("(s) => s.scrollWidth > s.clientWidth + 100")
