"""What was asked for and cannot be had is refused in one line before any work, or told; nothing is passed over in silence."""

import json
import re

import pytest

from klangbild.settings import Settings
from klangbild.unheard import told_of_given

FAST = ("--seconds", "2", "--seed", "1", "-f", "json")


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        (("-d", "cuda"), 4, "computes on the CPU only"),
        (("-d", "cuda:1", "--engine", "art2mus"), 4, "computes on the CPU only"),
        (("-d", "gpu"), 2, "--device 'gpu' is no device; choose auto, cpu, cuda or cuda:N"),
        (("--path", "0:0.1,0.2 90:0.5,0.5"), 2, "its point at 90 s lies beyond the end of the piece, which is 30 s long"),
        (("--path", "0:0.1,0.2 5:0.5,0.5", "--seconds", "4"), 2, "which is 4 s long; give --seconds 5"),
        (("--path", "0:0.1,0.2", "--conditioning", "none"), 2, "--path is not heard with --conditioning none"),
        (("--guidance", "3", "--conditioning", "none"), 2, "--guidance is not heard with --conditioning none"),
        (("--engine", "art2mus", "--negative", "sad", "--guidance", "1"), 2, "--negative is not heard at --guidance 1"),
        (("--model", "some-aria", "--guidance", "8"), 2, "--guidance is not heard by the model some-aria"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_one_line_before_any_work(klangbild, picture_file, tmp_path, flags, code, says):
    """No seed is told ahead of an error, either."""
    got, out, err = klangbild(picture_file, "-o", tmp_path, *flags)
    assert (got, out) == (code, "") and says in err and err.startswith("Error: ") and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_what_the_notes_engine_heard_of_the_words_is_told(klangbild, picture_file, tmp_path):
    text = ("--text", "stormy flute, qwxz, serne")
    code, out, err = klangbild(picture_file, "-o", tmp_path, *FAST, *text, "--json")
    assert code == 0 and json.loads(out)["told"] == [line.removeprefix("dusk: ") for line in err.splitlines()]
    assert '"flute": played by winds\n' in err
    assert "not understood, left aside: qwxz" in err and 'did you mean "serene"?' in err and "stormy" not in err
    assert klangbild(picture_file, "-o", tmp_path, *FAST, *text, "-q")[2] == ""


def test_what_the_plan_model_does_not_play_as_it_was_said_is_told(klangbild, picture_file, tmp_path):
    flags = ("--engine", "art2mus", "--steps", "4", "--without", "winds", "--negative", "qwxz, no piano")
    code, _, err = klangbild(picture_file, "-o", tmp_path, *FAST, *flags, "--text", "flute waltz, dense, blorp")
    assert code == 0 and re.search(r'"flute": .*winds', err) and '"waltz": 3/4' in err
    assert "not understood, left aside: blorp\n" in err  # "dense" is known to the plan model, if not to feelings
    assert "--negative: not understood, left aside: qwxz" in err
    assert '--negative says "no piano", which was left aside; say "piano" in --text' in err


def test_knobs_of_sound_where_none_is_made(klangbild, picture_file, tmp_path):
    flags = ("--seconds", "2", "--seed", "1", "--loudness", "-20")
    code, _, err = klangbild(picture_file, "-o", tmp_path, *flags, "-f", "mid,png")
    assert code == 0 and err == "--loudness is kept in the record only: no sound is made (-f mid,png)\n"
    assert klangbild(picture_file, "-o", tmp_path / "a.wav", *flags)[::2] == (0, "")


def test_a_path_that_is_not_reached_in_bars_is_told(klangbild, picture_file, tmp_path):
    path = ("--path", "0:0.1,0.2 16:0.5,0.5")  # two bars may last so long, but hardly do
    code, _, err = klangbild(picture_file, "-o", tmp_path, "--bars", "2", "--seed", "1", "-f", "json", *path)
    assert code == 0 and "--path: what it says of 16 s is not reached: the piece is" in err


def test_a_batch_goes_on_whatever_ails_one_picture(klangbild, picture_file, tmp_path):
    """Its JSON line stands in its place, and a template that one odd name makes impossible ends nothing."""
    odd = tmp_path / "...png"
    odd.write_bytes(picture_file.read_bytes())
    missing = tmp_path / "gone.png"
    out_folder = tmp_path / "out"
    code, out, err = klangbild(missing, odd, picture_file, "-o", out_folder, "--filename", "{picture}", *FAST, "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 3 and [("error" in line) for line in lines] == [True, True, False]
    assert lines[0]["picture"] == str(missing) and lines[1]["picture"] == str(odd)
    assert "leaves the output folder" in lines[1]["error"] and "1 of 3 pictures done, 2 failed" in err
    code, out, err = klangbild(missing, missing.with_name("too.png"), "-o", out_folder, *FAST, "--json")
    assert code == 1 and out.count("\n") == 2
    # what is amiss with the call is no picture's own: told once
    code, out, err = klangbild(picture_file, missing, "-o", out_folder, *FAST, "--model", "no-such-model")
    assert (code, out) == (4, "") and err.count("\n") == 1


def test_the_seed_is_told_with_the_first_piece(klangbild, picture_file, tmp_path):
    flags = ("--seconds", "2", "-f", "json", "-o", tmp_path)
    code, _, err = klangbild(tmp_path / "gone.png", picture_file, *flags)
    lines = err.splitlines()
    assert (
        code == 3
        and lines[0].startswith("Error: ")
        and re.fullmatch(r"seed \d+", lines[1])
        and sum(line.startswith("seed") for line in lines) == 1
    )
    assert klangbild(tmp_path / "gone.png", *flags)[2].count("\n") == 1


def test_a_loudness_that_peaks_do_not_allow_is_told(klangbild, picture_file, tmp_path):
    flags = ("-o", tmp_path, "--seconds", "2", "--seed", "1", "--overwrite")
    wish = ("--instruments", "piano", "--loudness")
    code, out, err = klangbild(picture_file, *flags, *wish, "-8", "-f", "mid,wav,json", "--json")
    told = json.loads(out)["told"]
    assert code == 0 and told == [err.strip().removeprefix("dusk: ")]
    assert re.fullmatch(r"--loudness -8: the sound comes to -\d+\.\d LUFS, its peaks held under -1 dBTP", told[0])
    assert json.loads((tmp_path / "dusk-1.json").read_text())["told"] == told
    assert klangbild(picture_file, *flags, *wish, "-30", "-f", "wav")[2] == ""
    assert "comes to" in klangbild("render", tmp_path / "dusk-1.mid", "-o", tmp_path, "--loudness", "-8")[2]


def test_a_bar_longer_than_the_piece_asked_for_is_told(klangbild, picture_file, tmp_path):
    flags = ("-o", tmp_path, "--seconds", "2", "--tempo", "40", "--seed", "1", "-f", "mid")
    assert (
        "--seconds 2: the piece is 6.0 s long; a bar takes 6.0 s"
        in klangbild(picture_file, *flags, "--meter", "4/4")[2]
    )
    assert klangbild(picture_file, *flags, "--meter", "1/4")[2] == ""


def test_a_default_that_their_sampler_takes_otherwise_is_told():
    given = {"sampler": "midi-emotion", "top_p": 0.995, "top_k": 0, "note_temperature": 1.1}
    (line,) = told_of_given(given)
    assert line.startswith("--top-p 0.995 is klangbild's default") and line.endswith("its own, 0.7")
    assert told_of_given({**given, "sampler": "klangbild"}) == []


def test_guidance_help_has_every_default():
    pytest.importorskip("diffusers")
    from klangbild.models.bars.sampler import Sampling
    from klangbild.models.plan.model import PlanFlow
    from klangbild.models.published.art2mus.pipeline import GUIDANCE as ART2MUS
    from klangbild.models.published.melfusion.pipeline import GUIDANCE as MELFUSION

    said = Settings.__dataclass_fields__["guidance"].metadata["help"]
    assert (
        f"{Sampling.guidance} for notes, {PlanFlow.guidance} for klangbild-plan, {ART2MUS} for Art2Mus, "
        f"{MELFUSION:g} for MeLFusion"
    ) in said
