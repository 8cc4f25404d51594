"""The page in four languages: no sentence is missing, what stands in braces agrees, and in a browser nothing English is left over."""

import ast
import re
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest

from klangbild.emotion import reasons
from klangbild.emotion.space import Emotion
from klangbild.formats.table import TABLE
from klangbild.music import describe
from klangbild.music.families import FAMILY_NAMES
from klangbild.music.piece import PITCH_NAMES, Key
from klangbild.picture.color import color_name
from klangbild.picture.encoder import open_encoder, shipped_encoder
from klangbild.settings import METERS
from klangbild.web import catalogue, texts
from klangbild.web.form_fields import form_fields, plain_sentence, read_settings, with_points
from klangbild.web.page import examples, page_html

SOURCE = Path(catalogue.__file__).parents[1]
OTHERS = [name for name in catalogue.LANGUAGES if name != "en"]
_PLACE = re.compile(r"\{[#~=-]?\w+\}")
# rooms whose refusals a visitor of the page may meet; of models of others, files of this machine and training the operator is told
ROOMS = (
    "settings.py", "unheard.py", "composer.py", "picture/load.py", "picture/decode.py", "picture/tiff_numbers.py", "picture/signature.py",
    "music/midi*.py", "music/hits.py", "emotion/space.py", "emotion/read.py", "web/api.py", "web/bodies.py", "web/answers.py",
    "web/form_fields.py", "web/queue.py", "web/turns.py", "web/pictures.py", "models/bars/given_piece.py",
)  # fmt: skip
# only whoever calls from Python meets these
NOT_MET = ("array", "floats must lie", "what was given", "open as text", "emotion={", "path holds", "text_weight", "or --text", "is a folder",
           "not an ordinary file", "may not be read", "cannot be read", "label}: {", "Pillow", "error}", "str(error)", "{axis}", " bytes")  # fmt: skip


def page_texts() -> set[str]:
    """Every English sentence that the server fills into the page."""
    tables = (texts.PAGE, texts.SCRIPT, texts.LABELS, texts.STEPS, texts.CONDITIONING_WORDS)
    found = {text for table in tables for text in table.values()}
    found |= {texts.CLAIM, *texts.ABOUT_HOW, texts.ABOUT_CAN, texts.ABOUT_CANNOT, texts.ABOUT_LICENCES}
    for field in form_fields():
        found |= {field.label, texts.HELP.get(field.name, field.help)}
    found |= {*texts.GROUPS, *(text for row in (*texts.ENGINE_WORDS.values(), *texts.KEYS) for text in row)}
    found |= {text for row in TABLE if row.page for text in (row.page.title, row.page.words)}
    found |= {text for example in examples() for text in (example["title"], example["alt"])}
    return found | set(FAMILY_NAMES) | {"painting", "photo", "auto", "wide", "upright"}


def test_every_sentence_is_in_every_language_with_the_same_places():
    for english, lines in catalogue.all_sentences().items():
        assert set(lines) == set(OTHERS), english
        for language, words in lines.items():
            places = [place for place in _PLACE.findall(english) if not place.startswith("{_")]  # those may be left out
            assert sorted(_PLACE.findall(words)) == sorted(places), (language, english)
            flags = re.findall(r"--[a-z-]+", english)
            assert set(re.findall(r"--[a-z-]+", words)) <= {*flags, "--seconds", "--bars"}, (language, english)
    names = [english for file in catalogue.HERE.glob("*.txt") for english, _ in catalogue._blocks(file)]
    assert len(names) == len(set(names))


def test_no_sentence_of_the_page_is_missing_and_none_is_left_over():
    missing = {text for text in page_texts() for language in OTHERS if text not in catalogue.sentences(language)}
    assert not missing
    page_only = {
        english
        for name in ("page.txt", "player.txt", "settings.txt")
        for english, _ in catalogue._blocks(catalogue.HERE / name)
    }
    assert page_only <= page_texts()
    # of what the program says each wording stands in its source, so that no entry outlives its sentence
    sources = "\n".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    corpus = re.sub(r"""["']\s*\n\s*f?["']|\\""", "", sources)  # a sentence may stand on several lines
    for name in ("reading.txt", "refusals.txt", "music.txt"):
        for english, _ in catalogue._blocks(catalogue.HERE / name):
            parts = re.split(
                r"\{[#~=-]?\w+\}|; |--[a-z-]+|^[A-G][#b]? (?=m)| and | for a | \(| at |, | is | are | no |: |^(?:A|The) |, mainly | of ",
                english,
            )
            part = max((part.strip(" ,:'()\"?") for part in parts), key=len)
            assert part in corpus, (name, english, part)


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        (None, None, "en"), (None, "de-AT,de;q=0.9,en;q=0.8", "de"), (None, "it, fr-CH;q=0.4, es;q=0.7", "es"), ("fr", "de", "fr"),
        ("tlh", "de", "de"), (None, "de;q=0, es;q=0.1", "es"), (None, "*;q=x,,;;", "en"), ("", "ES", "es"),
    ],
)  # fmt: skip
def test_the_switch_goes_before_the_browser_and_that_before_english(cookie, accepted, language):
    assert catalogue.chosen_language(cookie, accepted) == language


def test_what_is_read_of_numbers_and_keys_in_every_language():
    given = {
        "valence": "0,5",
        "seconds": "7,5",
        "arousal": "−0,25",
        "tempo": "96.5",
        "top_k": "12",
        "guidance": ",5",
        "key": "H dur",
    }
    read = read_settings(given)
    assert read == {
        "valence": 0.5,
        "seconds": 7.5,
        "arousal": -0.25,
        "tempo": 96.5,
        "top_k": 12,
        "guidance": 0.5,
        "key": "B major",
    }
    assert read_settings({"hits": "12; 41,5", "path": "0:-0,6;0,2 30:0,7;0,6"}) == {
        "hits": "12, 41.5",
        "path": "0:-0.6,0.2 30:0.7,0.6",
    }
    for plain in ("12,41.5", "41", "0:-0.6,0.2 30:0.7,0.6", "0:1,0 30:0,1", "nonsense; 1,5", "0:a,b"):
        assert with_points(plain) == plain
    assert with_points("0:-0,6,0,2 30,5:0,7,0,6") == "0:-0.6,0.2 30.5:0.7,0.6"
    for language, mode, tonic in product(catalogue.LANGUAGES, ("major", "minor"), PITCH_NAMES):
        name = f"{tonic} {mode}"
        assert Key.parse(read_settings({"key": catalogue.said(name, language)})["key"]) == Key.parse(name), (
            language,
            name,
        )
    assert (
        read_settings({"key": "b-Moll"})["key"] == "Bb minor"
        and read_settings({"key": "si bémol majeur"}, typed=True)["key"] == "Bb major"
    )


def test_the_page_comes_in_the_language_that_is_asked_for(server):
    import httpx

    page = httpx.get(server.url, headers={"accept-language": "es-MX, en;q=0.5"})
    assert page.headers["content-language"] == "es" and '<html lang="es">' in page.text and "Crear música" in page.text
    page = httpx.get(server.url, headers={"accept-language": "es"}, cookies={catalogue.COOKIE: "de"})
    assert (
        '<html lang="de">' in page.text and 'value="0,995"' in page.text and "0,05 bis 1; Standard 0,995)" in page.text
    )
    assert page_html(language="en") == page_html() and 'value="0.995"' in page_html()


def refusals() -> list[str]:
    """The refusals of `ROOMS` as the page gets them, places filled in."""
    found = []
    for pattern in ROOMS:
        for path in SOURCE.glob(pattern):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                    template = _template(node.exc.args[0])
                    if " " in template and not any(part in template for part in NOT_MET):
                        found.append(template)
    assert len(found) > 100
    return [*map(_met, found), *met_by_wishes()]


def met_by_wishes() -> list[str]:
    """What is said of wishes that cannot be."""
    from klangbild.errors import KlangbildError
    from klangbild.settings import Settings
    from klangbild.unheard import refuse_unheard

    lines = []
    for wish in (
        {"instruments": ("pianno",)}, {"instruments": ("qwxz",)}, {"without": ("gunshot",)}, {"instruments": ("piano bass",)},
        {"tempo": 900}, {"tempo": "abc"}, {"tempo": "120bpm"}, {"bars": 1.5}, {"loudness": "loud"}, {"loudness": -100}, {"meter": "12/8"},
        {"key": "X"}, {"key": "h-moll"}, {"seconds": 5, "bars": 2}, {"path": "0:3,0"}, {"path": "nonsense"}, {"path": "0:0,5,1"},
        {"path": "9:0,0 5:0,0"}, {"path": "0:0,0 99:0,0"}, {"path": "0:0,0 99:0,0", "bars": 1}, {"hits": "x"}, {"hits": "0"}, {"hits": "99"},
        {"hits": ",".join(str(n) for n in range(1, 99))}, {"hits": "0.1"}, {"hits": "9,9.1"}, {"hits": "29.9"}, {"hits": "9", "bars": 1},
        {"hits": "0.2", "tempo": 60, "meter": "4/4"}, {"hits": "9", "gen_len": 99}, {"instruments": ("piano",), "min_instruments": 4},
        {"negative": "x", "engine": "art2mus", "guidance": 1.0}, {"conditioning": "none", "guidance": 2.0}, {"negative": "x"}, {"steps": 5},
        {"device": "cuda"}, {"device": "tpu"}, {"sampler": "midi-emotion", "engine": "art2mus"}, {"engine": "suno"}, {"kind": "etching"},
        {"gaze": True, "valence": 0.1}, {"exact": True}, {"loop": True, "gen_len": 99}, {"valence": 2}, {"text": 5}, {"candidates": 99},
    ):  # fmt: skip
        try:
            refuse_unheard(Settings(**wish))
        except KlangbildError as refused:
            lines.append(plain_sentence(refused)[0])
    assert len(lines) > 35
    return lines


def _template(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(v.value) if isinstance(v, ast.Constant) else "{" + ast.unparse(v.value) + "}" for v in node.values
        )
    return "{" + ast.unparse(node) + "}"


def _met(template: str) -> str:
    """A template as a visitor meets it."""
    from klangbild.errors import UsageError
    from klangbild.music.midi_plain import _DAMAGED
    from klangbild.picture.signature import EXPORT, MEND
    from klangbild.web.form_fields import FormField

    known = {
        "MEND": MEND,
        "EXPORT": EXPORT,
        "_DAMAGED": _DAMAGED,
        "hint": "give one",
        "point": "",
        "or_off": " or 'off'",
        "advice": "move one of them",
    }

    def filled(match: re.Match) -> str:
        name = match[1]
        if name in known:
            return known[name]
        if "flag_of" in name or name == "flag":
            return "--tempo" if "join" not in name else "--bars and --seconds"
        for sign, value in (("_a_number", "a number"), ("_between", " from 1 to 5"), ("kind", "a number"), ("_nearest", "; did you mean 'x'?"),
                            ("_in_words", "12 minutes"), ("told", "2 s at 60 bpm in 4/4"), ("why_not", "which hears the picture as its feeling alone; leave it out"),
                            ("both", "piano, bass"), ("meta['items']", "piano, bass"), ("_listed", "piano, bass"), ("what", "'alt'"), ("layout", ""),
                            ("wanted", "give one"), ("about", "")):  # fmt: skip
            if sign in name:
                return value
        return "7"

    assert FormField
    return plain_sentence(UsageError(re.sub(r"\{([^{}]*)\}", filled, template)))[0]


def said_of_pictures() -> list[str]:
    """Every reason that light and color give, every color, whatever may be seen, moods, descriptions."""
    colors = {
        color_name(np.array([light, a, b], float))
        for light, a, b in product(range(5, 100, 6), range(-60, 70, 10), range(-60, 70, 10))
    }
    lines = [*colors, *(f"the {name}s" for name in colors if name.startswith("dark"))]
    for sign in reasons.SIGNS:
        for words in filter(None, (sign.high, sign.low)):
            words = words.format(dark="dark blues and black", main="dark brown")
            lines += [reasons._sentence(words, pull, axis) for pull in (-1, 1) for axis in (0, 1)]
    both = [sign.high.format(dark="black and dark reds", main="light blue").rstrip(",") for sign in reasons.SIGNS]
    lines += [reasons._sentence(f"{one} and {other}", 1, 0) for one, other in pairwise(both)]
    seen = open_encoder(shipped_encoder()).words
    lines += [f"to be seen: {a}, {b} and {c}" for a, b, c in zip(seen, seen[1:], seen[2:], strict=False)]
    lines += [
        f"A {kind}{of}, mainly {a} and {b}"
        for kind in ("picture", "painting", "photograph")
        for of in ("", f" of {seen[0]}")
        for a, b in pairwise(sorted(colors))
    ]
    lines += [Emotion(0.9 * np.cos(a), 0.9 * np.sin(a)).name for a in np.linspace(0, 6.2, 40)]
    return lines


def said_of_music() -> list[str]:
    tempos = [word for _, word in describe._TEMPO_WORDS]
    lines = [f"{tempo}, {mode}, {one}, {other} and 3 more, 104 bpm (felt as 52) in {meter}, {end}" for tempo, mode, one, other, meter, end in zip(
        tempos * 3, ("major", "minor") * 9, FAMILY_NAMES * 2, FAMILY_NAMES[2:] * 2, METERS * 2,
        ("ends softly", "ends strongly", "loops", "dense, loud", "sparse, soft", "rises at bar 9", "calms at bar 12, ends softly") * 3, strict=False)]  # fmt: skip
    return [
        *lines,
        "drums alone",
        "silence",
        *map(str, (Key(i, mode) for i in range(12) for mode in ("major", "minor"))),
        *_told(),
    ]


def _told() -> list[str]:
    from klangbild.emotion.read import read_emotion
    from klangbild.models.bars import picture_reasons
    from klangbild.models.plan.caption_words import Vocabulary
    from klangbild.models.plan.engine import told_of_avoided
    from klangbild.music.words import feelings_in
    from klangbild.music.words_heard import told_of_words
    from klangbild.settings import Settings

    read = Vocabulary().read
    text = "calm piano, no drums, qwxz, 3/4, slow, waltz, in D minor, 17/8, violin, 9 bpm, less guitar, hapy, major"
    lines = [line for words in (Settings(text=text), Settings(text=text, instruments=("bass",), without=("piano",), tempo=90.0, key="C", meter="4/4"))
             for line in told_of_words(words, seed=1, asked=Emotion(0, 0))]  # fmt: skip
    lines += [
        line
        for said in (read_emotion(None, text=feelings_in(text)), read_emotion(None, text=feelings_in("not sad, rock")))
        for line in said.reasons
    ]
    lines += told_of_avoided(read("slow"), read("qwxz, no drums, violin"))
    lines += [line for pair in picture_reasons._SAID.values() for line in pair]
    lines += _told_templates()
    return [
        *lines,
        "its strongest contour arches: we let the opening go the same way",
        "asked for sad until 0:20, then calm; heard as happy",
    ]


def _told_templates() -> list[str]:
    """What is told of a piece that came otherwise, of a file and of an edit, as the page shows it: settings by their labels."""
    value = {"flag_of": "--tempo", "'brighter'": "brighter", "key": "C major", "heard": "C major", "name": "violin", "family": "strings",
             "found": "piano and bass", "missing": "piano, bass", "what": "drums", "has_no": "drum kit", "wish": "D", "by": "--path says",
             "_count": "3 notes are", "families)": "2"}  # fmt: skip

    def filled(match: re.Match) -> str:
        return next((words for sign, words in value.items() if sign in match[1]), "7")

    lines = []
    for path in (
        *SOURCE.glob("editing/*.py"),
        *SOURCE.glob("music/midi*.py"),
        SOURCE / "unheard.py",
        SOURCE / "music/hits.py",
        SOURCE / "sound/synth.py",
    ):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("told.append", "lines.append"):
                template = _template(node.args[0])
                if " " in template and not template.startswith("{words") and template.count("{") <= 5:
                    lines.append(re.sub(r"\{([^{}]*)\}", filled, template))
    assert len(lines) > 25
    return lines


@pytest.fixture(scope="module")
def sentences() -> list[str]:
    return [*refusals(), *said_of_pictures(), *said_of_music()]


@pytest.mark.parametrize("language", OTHERS)
def test_in_the_browser_nothing_is_left_in_english(chromium, server, sentences, language):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    expect = pytest.importorskip("playwright.sync_api").expect
    context = chromium.new_context(locale=language)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(server.url)
    page.wait_for_selector("html[data-ready]")
    assert page.get_attribute("html", "lang") == language
    left = page.evaluate(
        """async (lines) => {
          const { speakLine, unsaid } = await import("/static/speak.js");
          for (const line of lines) speakLine(line);
          return [...unsaid];
        }""",
        sentences,
    )
    # long words fit, on the phone too, and nothing is hidden from those who do not see it
    page.locator(".example").nth(1).click()
    expect(page.locator("#finished")).to_be_visible(timeout=60_000)
    for details in page.locator("details").all():
        details.evaluate("(d) => (d.open = true)")
    found = axe.Axe().run(page).response["violations"]
    serious = [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")]
    page.set_viewport_size({"width": 390, "height": 844})
    for _ in range(
        100
    ):  # not wait_for_function: where it has to wait, it evaluates text, which the page's policy forbids
        if (width := page.evaluate("document.documentElement.scrollWidth")) <= 390:
            break
        page.wait_for_timeout(200)
    context.close()
    assert not left, "\n".join(left)
    assert serious == [] and width <= 390
