"""Which family plays an instrument that somebody names: the 128 of General MIDI, and what people call them in five languages.

Our music is written in families, so "violin" is a wish that "strings" grant; who asks is told so. Names are compared without
case, hyphens and a plural s. The order of `GENERAL_MIDI` is that of the programs, 0 to 127.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from klangbild.emotion.languages import LANGUAGES, fold, spellings, stem
from klangbild.errors import UsageError
from klangbild.music.families import FAMILY_NAMES, family_of
from klangbild.music.instrument_translations import INSTRUMENT_TRANSLATIONS

GENERAL_MIDI: tuple[str, ...] = (
    "acoustic grand piano", "bright acoustic piano", "electric grand piano", "honky-tonk piano", "electric piano 1",
    "electric piano 2", "harpsichord", "clavinet",
    "celesta", "glockenspiel", "music box", "vibraphone", "marimba", "xylophone", "tubular bells", "dulcimer",
    "drawbar organ", "percussive organ", "rock organ", "church organ", "reed organ", "accordion", "harmonica",
    "tango accordion",
    "acoustic guitar (nylon)", "acoustic guitar (steel)", "electric guitar (jazz)", "electric guitar (clean)",
    "electric guitar (muted)", "overdriven guitar", "distortion guitar", "guitar harmonics",
    "acoustic bass", "electric bass (finger)", "electric bass (pick)", "fretless bass", "slap bass 1", "slap bass 2",
    "synth bass 1", "synth bass 2",
    "violin", "viola", "cello", "contrabass", "tremolo strings", "pizzicato strings", "orchestral harp", "timpani",
    "string ensemble 1", "string ensemble 2", "synth strings 1", "synth strings 2", "choir aahs", "voice oohs",
    "synth voice", "orchestra hit",
    "trumpet", "trombone", "tuba", "muted trumpet", "french horn", "brass section", "synth brass 1", "synth brass 2",
    "soprano sax", "alto sax", "tenor sax", "baritone sax", "oboe", "english horn", "bassoon", "clarinet",
    "piccolo", "flute", "recorder", "pan flute", "blown bottle", "shakuhachi", "whistle", "ocarina",
    "lead 1 (square)", "lead 2 (sawtooth)", "lead 3 (calliope)", "lead 4 (chiff)", "lead 5 (charang)", "lead 6 (voice)",
    "lead 7 (fifths)", "lead 8 (bass and lead)",
    "pad 1 (new age)", "pad 2 (warm)", "pad 3 (polysynth)", "pad 4 (choir)", "pad 5 (bowed)", "pad 6 (metallic)",
    "pad 7 (halo)", "pad 8 (sweep)",
    "fx 1 (rain)", "fx 2 (soundtrack)", "fx 3 (crystal)", "fx 4 (atmosphere)", "fx 5 (brightness)", "fx 6 (goblins)",
    "fx 7 (echoes)", "fx 8 (sci-fi)",
    "sitar", "banjo", "shamisen", "koto", "kalimba", "bagpipe", "fiddle", "shanai",
    "tinkle bell", "agogo", "steel drums", "woodblock", "taiko drum", "melodic tom", "synth drum", "reverse cymbal",
    "guitar fret noise", "breath noise", "seashore", "bird tweet", "telephone ring", "helicopter", "applause", "gunshot",
)  # fmt: skip
FIRST_EFFECT = 119
"""From reverse cymbal on, General MIDI's sounds are noises that no family plays."""
# where the program's family is not the one that a person who says the name would expect to hear
_PLAYED_BY = {
    "bagpipe": "winds", "shanai": "winds", "fiddle": "strings", "agogo": "drums", "woodblock": "drums",
    "taiko drum": "drums", "melodic tom": "drums", "synth drum": "drums",
}  # fmt: skip
# what people say, by the family that plays it
_ALSO = {
    "drums": "drum, drum kit, drum set, drumset, percussion, snare, snare drum, kick, bass drum, hi-hat, cymbal, tom, taiko, "
    "bongo, conga, tambourine, shaker, triangle, cajon, djembe, timbales, castanets, beat",
    "piano": "grand piano, upright piano, pianoforte, fortepiano, electric piano, e-piano, rhodes, wurlitzer, keys, keyboard, "
    "honky tonk, clavichord, spinet",
    "mallet": "mallets, bells, bell, chimes, vibes, glockenspiel, hammered dulcimer, timpano, kettledrum, kettle drum, steel drum, "
    "steelpan, steel pan, handpan, crotales, gamelan",
    "organ": "pipe organ, hammond, hammond organ, electric organ, harmonium, bandoneon, concertina, melodica, mouth organ",
    "guitar": "acoustic guitar, electric guitar, nylon guitar, steel guitar, classical guitar, spanish guitar, jazz guitar, "
    "clean guitar, muted guitar, distorted guitar, rock guitar, ukulele, mandolin, lute, oud, zither, lyre, balalaika, bouzouki, "
    "thumb piano, mbira, shamisen, guzheng",
    "bass": "bass guitar, electric bass, e-bass, fretless bass, slap bass, synth bass, upright bass, finger bass, picked bass",
    "strings": "string, string section, string ensemble, string quartet, string orchestra, orchestra, violoncello, double bass, "
    "harp, pizzicato, tremolo, erhu, viola da gamba, viol, choir, choir aah, chorus, voice, vocals, vocal, singer, "
    "singing, synth strings, orchestra hit",
    "brass": "horn, horns, cornet, flugelhorn, bugle, euphonium, sousaphone, bass trombone, brass ensemble, brass band, synth brass",
    "winds": "wind, woodwind, woodwinds, sax, saxophone, alto saxophone, tenor saxophone, soprano saxophone, baritone saxophone, "
    "bass clarinet, contrabassoon, cor anglais, panpipe, pan pipe, panflute, tin whistle, penny whistle, bottle, didgeridoo, shawm, "
    "duduk, ney, bagpipes",
    "lead": "synth, synthesizer, synthesiser, synth lead, lead synth, square wave, square, sawtooth, saw, chiptune, calliope, chiff, "
    "charang, theremin",
    "pad": "synth pad, pads, warm pad, polysynth, poly synth, sweep, halo, atmosphere, ambient, strings pad, choir pad, fx",
}  # fmt: skip


# in a text these mean something else than an instrument, or another table reads them
_NOT_IN_TEXTS = frozenset(
    """triangle, bottle, voice, singing, singer, tom, square, saw, sawtooth, sweep, halo, atmosphere, ambient, fx, chiff, chiptune,
    orchestra, blown bottle, whistle, chorus, brass band, square wave, charang, vibes""".replace("\n    ", " ").split(
        ", "
    )
)
# in a text these are instruments only where another one is named: "winds" are weather first
_AMONG_OTHERS = frozenset({"winds", "lead", "leads", "keys", "kick", "wind", "pizzicato", "tremolo"})


def _plain(name: str) -> str:
    """Lower case without accents, words parted by single spaces, no brackets, hyphens or plural s."""
    words = re.sub(r"[\s_\-()/.]+", " ", fold(name)).strip()
    return words[:-1] if len(words) > 3 and words.endswith("s") and not words.endswith(("ss", "us")) else words


def _english() -> Iterator[tuple[str, str]]:
    """(name, family) of all that is called so in English, families and General MIDI's names among them."""
    for family in FAMILY_NAMES:
        yield family, family
    for family, names in _ALSO.items():
        for name in names.split(", "):
            yield name, family
    for program, name in enumerate(GENERAL_MIDI[:FIRST_EFFECT]):
        family = _PLAYED_BY.get(name) or family_of(program)
        if family is not None:
            yield name, family


def spoken_names() -> Iterator[tuple[str, str, str, bool]]:
    """(language, name, family, whether it is an instrument only beside others) of what a text may name.

    General MIDI's leads, pads and effects ("rain", "warm") are left out: a text that says so means something else.
    """
    synthetic = frozenset(GENERAL_MIDI[80:104])
    for name, family in _english():
        if name not in synthetic and name not in _NOT_IN_TEXTS:
            yield "en", re.sub(r"[()\d]", "", name).strip(), family, name in _AMONG_OTHERS
    for language, name, family in _translated():
        yield language, name.lstrip("?"), family, name.startswith("?")


def _translated() -> Iterator[tuple[str, str, str]]:
    for line in INSTRUMENT_TRANSLATIONS.strip().splitlines():
        family, _, cells = line.partition(": ")
        for language, cell in zip(LANGUAGES[1:], cells.split("|"), strict=True):
            for name in cell.split(","):
                yield language, name.strip(), family


@lru_cache(maxsize=1)
def _table() -> dict[str, str]:
    """Plain name -> family."""
    table = {_plain(name): name for name in FAMILY_NAMES}
    for name, family in _english():
        table.setdefault(_plain(name), family)
        number_left_out = re.sub(r"^(lead|pad|fx) \d ", "", _plain(name))  # "pad 2 (warm)" is also "warm"
        table.setdefault(re.sub(r" \d$", "", number_left_out), family)
    for _, name, family in _translated():
        for spelling in spellings(name.lstrip("?")):
            table.setdefault(_plain(spelling), family)
    return table


@lru_cache(maxsize=1)
def _roots() -> dict[str, str]:
    """Stems of the names in other languages -> family: "Geigen", "chitarre"."""
    roots: dict[str, str] = {}
    for language, name, family in _translated():
        roots.setdefault(_root(name.lstrip("?"), language), family)
    return roots


def _root(name: str, language: str) -> str:
    return " ".join(stem(word, language) for word in re.split(r"[\s\-']+", fold(name)))


def _family(name: str) -> str | None:
    """The family that plays what is called so, in the singular or plural of five languages."""
    if family := _table().get(_plain(name)):
        return family
    return next((found for language in LANGUAGES[1:] if (found := _roots().get(_root(name, language)))), None)


def families_of(names: Iterable[str], flag: str = "--instruments") -> tuple[tuple[str, ...], dict[str, str]]:
    """Families and instruments by name -> (families, each once and in the order named; {name that is none: its family}).

    Raises:
        UsageError: a name is neither; the message says the nearest one.

    >>> families_of(["piano", "Violin", "cellos"])
    (('piano', 'strings'), {'Violin': 'strings', 'cellos': 'strings'})
    """
    families: dict[str, None] = {}
    played_by: dict[str, str] = {}
    for name in names:
        if name in FAMILY_NAMES:
            families[name] = None
            continue
        family = _family(str(name))
        if family is None:
            raise UsageError(_unknown(str(name), _table(), flag))
        families[family] = None
        if _plain(str(name)) != _plain(family):
            played_by[str(name)] = family
    return tuple(families), played_by


def program_of(name: str) -> int | None:
    """The General MIDI program of an instrument by its English name, 0..118; None: the name is of a family, of a drum, or says less than one program.

    >>> program_of("violin"), program_of("Cellos"), program_of("strings"), program_of("Geige")
    (40, 42, None, None)
    """
    return _program_table().get(_plain(name))


@lru_cache(maxsize=1)
def _program_table() -> dict[str, int]:
    table: dict[str, int] = {}
    for program, name in enumerate(GENERAL_MIDI[:FIRST_EFFECT]):
        if _PLAYED_BY.get(name) == "drums" or _plain(name) in FAMILY_NAMES:
            continue
        table.setdefault(_plain(name), program)
        table.setdefault(_plain(re.sub(r"\(.*\)", "", name)), program)
    also = {
        "horn": 60, "sax": 65, "saxophone": 65, "harp": 46, "double bass": 43, "violoncello": 42, "choir": 52, "voice": 53,
        "string ensemble": 48, "electric piano": 4, "rhodes": 4, "electric guitar": 27, "steel guitar": 25, "nylon guitar": 24,
        "distorted guitar": 30, "hammond": 16, "pipe organ": 19, "panpipe": 75, "cor anglais": 69, "electric bass": 33, "upright bass": 32,
    }  # fmt: skip
    return {**{_plain(name): program for name, program in also.items()}, **table}


def _unknown(name: str, table: dict[str, str], flag: str) -> str:
    if _plain(name) in {_plain(effect) for effect in GENERAL_MIDI[FIRST_EFFECT:]}:
        return f"{flag}: '{name}' is a sound effect, which no family plays; choose from {', '.join(FAMILY_NAMES)}"
    several = [part for part in re.split(r"\s+(?:and|und|with)\s+|[;/+&|\s]+", name.strip()) if part]
    if len(several) > 1 and all(_plain(part) in table for part in several):
        return f"{flag}: '{name}' is not an instrument; write {','.join(several)}"
    plain = _plain(name)
    # a family first: "pianno" is rather "piano" than "grand piano"
    close = difflib.get_close_matches(plain, FAMILY_NAMES, n=1, cutoff=0.7) or difflib.get_close_matches(
        plain, list(table), n=1, cutoff=0.7
    )
    if close:
        written = {_plain(other): other for _, other, _ in _translated()} | {
            _plain(other): other for other, _ in _english()
        }
        return f"{flag}: '{name}' is not an instrument; did you mean '{written.get(close[0], close[0])}'?"
    return f"{flag}: '{name}' is not an instrument we know; choose from {', '.join(FAMILY_NAMES)}, or give a General MIDI name"
