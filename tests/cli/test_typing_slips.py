"""What a beginner types is answered with what to type instead: one line, exit code 2, before any work."""

import shlex

import pytest


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with a few files, as somebody may stand in."""
    monkeypatch.chdir(tmp_path)
    for name in ("lake.jpg", "sea.jpg", "my lake.jpg", "old.mid"):
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "says"),
    [
        # spaces without quotes
        ("lake.jpg --key D minor", 'write --key "D minor"'),
        ("compose --key D minor lake.jpg", 'write --key "D minor"'),
        ("lake.jpg --text early morning mist -q", 'write --text "early morning mist"'),
        ("lake.jpg --instruments piano, strings", "write --instruments piano,strings (no spaces)"),
        ("lake.jpg --without drums , bass sea.jpg", "write --without drums,bass (no spaces)"),
        ("lake.jpg -f mid wav", "write --format mid,wav (no spaces)"),
        ("lake.jpg --tempo 120 bpm", "write --tempo 120 "),
        ("lake.jpg --seconds 2 min", "write --seconds 120 "),
        ("my lake.jpg --seed 1", 'write "my lake.jpg"'),
        ("emotion sea.jpg my lake.jpg", 'write "my lake.jpg"'),
        ("lake.jpg --path 0:-0.6,0.7 30:0.5,-0.6", 'write --path "0:-0.6,0.7 30:0.5,-0.6"'),
        ("lake.jpg ''", "a file name is empty"),
        ("'' --seed 1", "a file name is empty"),
        ("lake.jpg -o ''", "--output is empty"),
        ("lake.jpg --key '' -q", "--key is empty"),
        # decimals, signs
        ("lake.jpg --valence -0,5", "--valence '-0,5' is not a number; write -0.5"),
        ("lake.jpg --arousal −0.5", "write -0.5"),
        ("emotion lake.jpg --text-weight 0,5", "--text-weight '0,5' is not a number; write 0.5"),
        ("measure steering --seeds four", "--seeds 'four' is not a whole number; give a whole number"),
        ('lake.jpg --path "0:-0,6,0,2 30:0,7,0,6"', "a decimal has a point, not a comma"),
        # options
        ("lake.jpg --tempoo 90", "--tempoo is not an option of 'klangbild compose'; did you mean --tempo?"),
        ("lake.jpg --Note_Temperature=1", "did you mean --note-temperature?"),
        ("lake.jpg --bpm 90", "did you mean --tempo?"),
        ("lake.jpg --n 3", "--n may be --no-resume or --negative or --note-temperature"),
        ("lake.jpg --xyzzy", "--xyzzy is not an option of 'klangbild compose'; leave it out"),
        ("emotion lake.jpg --seconds 5", "--seconds is an option of 'klangbild compose', not of 'klangbild emotion'"),
        ("serve --prt 80", "did you mean --port?"),
        ("lake.jpg -seed 7", "write --seed"),
        ("lake.jpg -output out", "write --output"),
        ("lake.jpg –seed 7", "a long dash, as text programs make of two hyphens; write --seed"),
        ("lake.jpg --key “D minor”", "write straight ones"),
        ("lake.jpg --valence", "--valence needs a value"),
        ("lake.jpg -o", "--output needs a value"),
        ("lake.jpg --json=yes", "--json takes no value; leave 'yes' out"),
        # -o left out
        ("lake.jpg out.wav", "put -o before it: -o out.wav"),
        ("lake.jpg out/", "put -o before it: -o out/"),
        ("render old.mid old.flac", "put -o before it: -o old.flac"),
        ("lake.jpg -o song.midi", "did you mean 'mid'?"),
        ("replay old.mid -f midi", "-f 'midi' is not a format we write; did you mean 'mid'?"),
        ("replay old.mid -f mid -o a.wav", "names one file and -f a list of formats"),
        ("render old.mid -f mp3 -o a.wav", "names one file and -f a list of formats"),
        ("render old.mid -f mid", "'mid' is not a format that a MIDI file becomes; choose from wav, flac, mp3, ogg"),
        ("render old.mid -o old.json", "'json' is not a format that a MIDI file becomes"),
        ("lake.jpg -f , -q", "-f is empty"),
        # commands
        ("compos lake.jpg", "did you mean 'klangbild compose'?"),
        ("rendr old.mid", "did you mean 'klangbild render'?"),
        ("play old.mid", "did you mean 'klangbild render'?"),
        ("list", "did you mean 'klangbild models list'?"),
        ("models lst", "did you mean 'list'?"),
        ("models", "ACTION is missing; choose from list, show"),
        ("measure steerin", "did you mean 'steering'?"),
        ("help emotoin", "did you mean 'klangbild emotion'?"),
        ("--seed 7 compose lake.jpg", "the command comes first; write klangbild compose --seed 7 lake.jpg"),
        ("--json emotion lake.jpg", "the command comes first; write klangbild emotion --json lake.jpg"),
        ("lake.jpg emotion", "the command comes first; write klangbild emotion lake.jpg"),
        ("lake", "did you mean 'lake.jpg'?"),
        ("'stormy sea'", 'words to go by are given with --text "stormy sea"'),
        ("xyzzy", "give a picture, or one of compose, emotion"),
        ("render old.mid sea.mid", "put -o before it"),
        ("replay old.mid lake.jpg", "'lake.jpg' is one too many for 'klangbild replay'"),
        ("render", "FILE.mid is missing"),
        ("render old.mid --rate 48000", "--rate is not an option of 'klangbild render'; leave it out"),
        ("lake.jpg --meter 11/8", "did you mean '12/8'? (choose from 1/4, 3/8,"),
        ("train notes big.toml", "write --config big.toml"),
        ("lake.jpg --filename x.mid", 'write --filename "x" -f mid'),
    ],
)
def test_a_slip_gets_its_next_step(klangbild, desk, line, says):
    before = sorted(path.name for path in desk.iterdir())
    code, out, err = klangbild(*shlex.split(line))
    assert (code, out) == (2, ""), err
    assert err.startswith("Error: ") and err.count("\n") == 1 and says in err, err
    assert "--help')" in err
    assert sorted(path.name for path in desk.iterdir()) == before


@pytest.mark.parametrize(
    ("line", "prog"),
    [
        ("lake.jpg --key X", "klangbild compose"),
        ("lake.jpg --no-such", "klangbild compose"),
        ("emotion lake.jpg --map x.jpg", "klangbild emotion"),
        ("models add klang", "klangbild models add"),
        ("measure fit", "klangbild measure fit"),
        ("nonsense", "klangbild"),
    ],
)
def test_an_error_about_a_command_points_to_its_help(klangbild, desk, line, prog):
    code, _, err = klangbild(*shlex.split(line))
    assert code == 2 and err.rstrip().endswith(f"(see '{prog} --help')"), err
    code, out, _ = klangbild(*prog.split()[1:], "--help")
    assert code == 0 and out.startswith((f"usage: {prog}", "klangbild:"))


def test_an_address_is_not_a_picture(klangbild, desk):
    for line in (
        "https://example.com/lake.jpg -q",
        "emotion http://example.com/lake.jpg",
        "render ftp://example.com/a.mid",
    ):
        code, out, err = klangbild(*line.split())
        address = next(word for word in line.split() if ":" in word)
        assert (code, out) == (1, "") and err.count("\n") == 1
        assert f"{address}: is an address, and nothing is fetched; download the file first" in err


def test_options_may_stand_between_pictures_and_values_may_look_like_words(
    klangbild, picture_file, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "b.png"
    other.write_bytes(picture_file.read_bytes())
    code, out, err = klangbild(
        picture_file,
        "--seed",
        "1",
        "--arousal",
        "-0.5",
        "-q",
        other,
        "-f",
        "json",
        "--seconds",
        "2",
        "--text",
        "compose calm",
    )
    assert (code, err) == (0, "") and out.split() == ["dusk-1.json", "b-1.json"]


def test_an_instrument_is_told_and_the_family_recorded(klangbild, picture_file, tmp_path):
    flags = ("--seed", "1", "--seconds", "2", "-f", "json", "--json", "-o", tmp_path)
    code, out, err = klangbild(picture_file, "--instruments", "violin,Piano", *flags)
    assert (code, err) == (0, "dusk: violin: played by strings\n") and '"instruments": ["strings", "piano"]' in out
    assert klangbild(picture_file, "--instruments", "violin,piano", "-q", *flags)[2] == ""


def test_control_characters_do_not_break_the_line(klangbild, desk):
    code, _, err = klangbild("lake.jpg", "--key", "D\n\x1b[31mminor")
    assert code == 2 and err.count("\n") == 1 and "\x1b" not in err
