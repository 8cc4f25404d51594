"""Asked against heard: each word is marked as the chosen engine hears it, and what came out stands beside what was asked, on one scale."""

import pytest
from test_browser import expect, give, make, set_seconds

from klangbild.web.marked_words import marked_words


def told(text, **about):
    return {word.written: (word.heard, word.means, word.denied) for word in marked_words(text, **about)}


def test_each_word_is_heard_by_the_engine_that_is_chosen():
    text = "calm piano and rain, ohne Schlagzeug, 3/4, xyzzy, in D minor"
    notes = told(text, engine="notes")
    assert notes == {
        "calm": (True, "calm", False), "piano": (True, "piano", False), "rain": (True, "sad", False),
        "schlagzeug": (True, "drums", True), "3/4": (True, "3/4", False), "xyzzy": (False, "", False), "d minor": (True, "D minor", False),
    }  # fmt: skip
    plan = told(text, engine="art2mus")
    assert plan["piano"][0] is True and plan["xyzzy"][0] is False
    for word in marked_words(text, engine="notes"):
        assert text[word.start : word.end].lower() == word.written


def test_words_to_keep_away_from_are_heard_by_whom_they_reach():
    assert told("drums, xyzzy", engine="art2mus", negative=True) == {
        "drums": (True, "drums", False),
        "xyzzy": (False, "", False),
    }
    assert told("no drums", engine="art2mus", negative=True)["drums"][0] is False
    assert told("drums", engine="notes", negative=True)["drums"][0] is False
    assert marked_words("", engine="notes") == () and marked_words(None, engine="notes") == ()


def test_why_and_heard_agree_on_what_is_understood():
    from klangbild.web.marked_words import feelings_for

    # the plan model knows words that are neither feelings nor wishes of the notes models
    beyond = [
        word
        for word in ("duet", "flowing", "full", "triplet", "arpeggio", "cadence", "xyzzy")
        if feelings_for(word, engine="notes").unknown
    ]
    plan = {word for word in beyond if not feelings_for(word, engine="art2mus").unknown}
    assert "xyzzy" in beyond and "xyzzy" not in plan
    for word in beyond:
        assert told(word, engine="art2mus")[word][0] == (word in plan), word
    assert feelings_for(None, engine="art2mus") is None


def test_rest_says_it_too(server):
    import httpx

    found = httpx.get(
        f"{server.url}/v1/words", params={"text": "calm xyzzy", "negative": "qwxz", "engine": "art2mus"}
    ).json()
    assert [(word["written"], word["heard"]) for word in found["text"]] == [("calm", True), ("xyzzy", False)]
    assert [word["heard"] for word in found["negative"]] == [False]
    assert httpx.get(f"{server.url}/v1/words", params={"engine": "suno"}).status_code == 422


def test_words_are_marked_while_they_are_typed(visit):
    page = visit(locale="de")
    page.fill("#k-text", "ruhiges Klavier, xyzzy")
    marks = page.locator("#m-text li")
    expect(marks).to_have_count(3)
    expect(page.locator("#m-text .unheard")).to_have_text("xyzzy: nicht verstanden")
    assert marks.nth(1).get_attribute("title") == "gehört als: Klavier"
    page.check("input[name=engine][value=art2mus]")
    page.fill("#k-negative", "Trommeln, qwxz")
    expect(page.locator("#m-negative .unheard")).to_have_text("qwxz: nicht verstanden")
    expect(page.locator("#m-negative .heard")).to_have_count(1)
    page.fill("#k-text", "")
    expect(page.locator("#m-text")).to_be_hidden()


def test_what_is_heard_stands_beside_what_was_asked_on_one_scale(visit, paintings):
    page = visit()
    give(page, paintings[0])
    assert not page.locator("#pad .spread").is_visible() and not page.locator("#read").is_visible()
    page.click("#how summary")
    expect(page.locator("#read")).to_contain_text("People would rate it")
    expect(page.locator("#pad .spread")).to_be_visible()
    set_seconds(page, "16")
    page.locator("#k-seed").evaluate("(e) => { e.closest('details').open = true }")
    page.fill("#k-seed", "2")  # with enough notes to be judged
    make(page)
    expect(page.locator("#pad .sounds")).to_be_visible()
    expect(page.locator("#asked-heard")).to_contain_text("Asked for")
    # another picture: the piece of before says nothing of it; back again with the piece, what was heard is back
    give(page, paintings[1])
    expect(page.locator("#asked-heard")).to_be_hidden()
    page.locator("#history-list li").nth(0).get_by_text("Show").click()
    expect(page.locator("#see")).not_to_have_attribute("aria-busy", "true")
    expect(page.locator("#asked-heard")).to_be_visible()


def test_a_course_goes_before_the_point_and_says_so(visit, paintings):
    page = visit()
    give(page, paintings[0])
    page.locator("#k-path").evaluate("(e) => { e.closest('details').open = true }")
    page.fill("#k-path", "0:-0.5,0 4:0.5,0.5")
    page.locator("#k-path").blur()
    page.fill("#valence", "0,5")
    page.locator("#valence").blur()
    assert page.input_value("#valence") == "0.50"  # a comma is a decimal sign in English, too
    expect(page.locator("#pad-note")).to_have_text(
        "“Emotions over time” says the mood; the point counts when that is empty."
    )
    assert "as you put it" not in page.inner_text("#mood")
    page.fill("#k-path", "")
    page.locator("#k-path").blur()
    expect(page.locator("#pad-note")).to_be_hidden()
    assert "as you put it" in page.inner_text("#mood")


@pytest.mark.parametrize(("typed", "stands"), [("7,5", 7.5), ("7.5", 7.5), ("0,5", 0.5)])
def test_a_decimal_comma_is_one_in_every_field(visit, typed, stands):
    page = visit(locale="fr")
    page.fill("#k-seconds", typed)
    page.locator("#k-seconds").blur()
    given = page.evaluate("async () => (await import('/static/fields.js')).fields.values()")
    assert given["seconds"] == stands
    page.press("#k-seconds", "ArrowUp")
    assert page.input_value("#k-seconds") == str(stands + 1).replace(".", ",").removesuffix(",0")


def test_a_minute_is_said_as_one(visit):
    page = visit()
    said = page.evaluate(
        "async () => { const { clock } = await import('/static/transport.js'); return [59.4, 59.7, 119.6, 30, 29.6].map(clock); }"
    )
    assert said == ["0:59", "1:00", "2:00", "0:30", "0:30"]
