"""The gallery's search, map and players in a real browser, from the disk."""

import klangbild
from klangbild.gallery.build import build_gallery


def test_search_map_and_one_sound_at_a_time(chromium, picture_file, tmp_path):
    composer = klangbild.Composer(seconds=1, seed=4)
    for tempo in (60, 90, 140):
        composer.compose(picture_file, tempo=tempo).save(tmp_path, ("json", "mp3"), filename=f"at-{tempo}")
    first, _ = build_gallery(tmp_path)
    page = chromium.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(first.as_uri())
    cards = page.locator("#cards li")
    assert cards.count() == 3
    page.fill("#slowest", "80")
    assert cards.count() == 2 and page.inner_text("#found") == "2 of 3 pieces"
    page.fill("#fastest", "100")
    assert cards.count() == 1 and "90 bpm" in cards.inner_text()
    page.fill("#words", "no such word")
    assert cards.count() == 0 and page.inner_text("#found") == "0 of 3 pieces"
    for field in ("#words", "#slowest", "#fastest"):
        page.fill(field, "")
    assert cards.count() == 3
    page.evaluate("document.querySelectorAll('audio')[0].play()")
    page.evaluate("document.querySelectorAll('audio')[1].play()")
    page.wait_for_function("document.querySelectorAll('audio')[0].paused")
    page.click("a[href='map.html']")
    page.focus("#plane")
    page.keyboard.press("ArrowRight")
    assert cards.count() == 1
    assert not said
    page.close()
