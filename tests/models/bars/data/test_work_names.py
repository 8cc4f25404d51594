"""What belongs to one work shares a name, what does not shares none."""

import numpy as np
import pytest

from klangbild.models.bars.data.near_duplicates import clusters
from klangbild.models.bars.data.work_names import surname, work_names

POLISH = "pl-wnifc/humdrum-polish-scores@c:x/kern/"
MUTOPIA = "MutopiaProject/MutopiaProject@2:ftp/"


def names(title="", composer="", origin="", file="a.mid"):
    return work_names(title=title, composer=composer, origin=origin, file=file)


def polish(slug, composer, title):
    return names(title, composer, f"{POLISH}{slug}.krn", f"{slug}.mid")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # songs of one cycle
        (
            names(
                "9 Irrlicht", "Schubert, Franz", "O/L@b:scores/Schubert,_Franz/Winterreise,_D.911/9_Irrlicht/lc1.mxl"
            ),
            names("1 Gute Nacht", "Schubert, Franz", "O/L@b:scores/Schubert,_Franz/Winterreise,_D.911/1_Gute/lc2.mxl"),
        ),
        # movements of one work
        (
            names("Part 1", "BeethovenLv", MUTOPIA + "BeethovenLv/O49/Sonate_1/a.ly"),
            names("Part 2", "BeethovenLv", MUTOPIA + "BeethovenLv/O49/Sonate_2/b.ly"),
        ),
        # two prints of one work, in two sets
        (
            polish("pl-wn--mus-1--001-002_chopin-fryderyk--mazurkas-op-7-mazurka-no-2", "Chopin, Fryderyk", "No. 2"),
            names("Mazurka", "ChopinFF", MUTOPIA + "ChopinFF/O7/mazurka-2/m.ly"),
        ),
        # two items of one manuscript, and one song in two manuscripts
        (
            polish("pl-kk--kk-i-9--001_anonim--a", "Anonim", "Sanctus"),
            polish("pl-kk--kk-i-9--002_grim--b", "Grim", "Te Deum"),
        ),
        (
            polish("pl-wn--mus-2_zelenski-wladyslaw--czy-pamietasz", "Żeleński, Władysław", "Czy pamiętasz?"),
            polish("pl-wtm--r-7_zelenski-wladyslaw--czy-pamietasz", "Żeleński, Władysław", "Czy pamiętasz"),
        ),
        # one tune under two texts; two settings of one tune; a tune and its variant
        (
            names("Holy God", "", "m/o@d:Complete/Holy_God/Holy_God-Hursley.abc"),
            names("Sun of my Soul", "", "m/o@d:Complete/Sun/Sun_Of_My_Soul-Hursley.abc"),
        ),
        (
            names("PaddyORafferty1", "trad. Irish", "p/f@9:cre_corpus/MIDI/PaddyORafferty1.mid"),
            names("PaddyORafferty2jig", "trad. Irish", "p/f@9:cre_corpus/MIDI/PaddyORafferty2jig.mid"),
        ),
        # every drummer's take of one groove; patterns of one session
        (
            names("soul/groove4 80 bpm beat", "drummer1", "z/d@4:groove/drummer1/eval_session/4.mid"),
            names("soul/groove4 80 bpm beat", "drummer7", "z/d@4:groove/drummer7/eval_session/4.mid"),
        ),
        (
            names("rock 120 bpm beat", "drummer9", "z/d@4:groove/drummer9/session1/21.mid"),
            names("rock 93 bpm fill", "drummer9", "z/d@4:groove/drummer9/session1/7.mid"),
        ),
    ],
)
def test_one_work(one, other):
    assert one & other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (names("Andante", "Chopin, Fryderyk"), names("Andante", "Grieg, Edvard")),
        (names("Sanctus", "Anonim", "r@c:x.krn"), names("Sanctus", "Anonim", "r@c:y.krn")),
        (names("Adieu", "Fauré, Gabriel", "O/L@b:scores/F/_/Adieu/1.mxl"), names("Abendlied", "Franz, Robert")),
        (names("Mazurka op. 7", "Chopin, Fryderyk"), names("Mazurka op. 70", "Chopin, Fryderyk")),
        (
            names("rock 120 bpm beat", "drummer9", "z/d@4:groove/drummer9/session1/21.mid"),
            names("rock 120 bpm beat", "drummer1", "z/d@4:groove/drummer1/session1/21.mid"),
        ),
        (names("d_dm01"), names("d_dm02")),
        (names(), names()),
    ],
)
def test_two_works(one, other):
    assert not one & other


def test_surnames():
    assert surname("BachJS") == surname("Bach, Johann Sebastian") == "bach"
    assert surname("16th c. madrigal") == surname("see debian copyright") == surname("") == ""


def test_works_join_clusters():
    prints = [None] * 4
    found = clusters(prints, works=[{"a"}, {"b"}, {"b", "a"}, set()])
    assert found.tolist() == [0, 0, 0, 3]
    assert np.array_equal(clusters(prints), np.arange(4))
