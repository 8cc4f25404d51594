"""Words of music in five languages: how fast, which mode, which meter, which style. What each means is our own reading.

A line is  value: English | German | French | Spanish | Italian,  names between commas. Italian words of tempo, which all
musicians use, stand with the English ones. Accents may be left out by who writes.
"""

from __future__ import annotations

from dataclasses import dataclass

TEMPO_WORDS = """
40 54 very slow: largo, larghissimo, grave tempo, very slow tempo, glacial | schleppend | | | larghissimo
48 64 slow: lento, slow tempo, larghetto | sehr ruhiges tempo | lent | lento | lento
50 76 slow: slow, slowly, adagio, downtempo, sluggish, leisurely | langsam, gemächlich, langsames tempo | lentement, tempo lent, \
allure lente | lentamente, despacio, tempo lento, pausado | lentamente, adagio, tempo lento
76 96 walking: andante, walking pace, unhurried, andantino | gehend, schrittempo, gehendes tempo | allant | andante | andante
92 116 moderate: moderate, moderato, medium tempo, mid tempo, midtempo, moderately | mäßig, gemäßigt, mittleres tempo, mittelschnell \
| modéré, modérément, tempo moyen | moderado, tempo medio | moderato, tempo medio
104 124 rather fast: allegretto | bewegt | | | allegretto
116 144 brisk: brisk, upbeat, uptempo, up tempo, briskly | flott, zügig, beschwingtes tempo | alerte, enlevé | ágil y rápido | mosso
120 144 fast: allegro | | | | allegro
132 176 fast: fast, quick, quickly, swift, rapid, fast tempo, speedy, rapidly, hurried | schnell, rasch, schnelles tempo, eilig, hurtig \
| rapide, rapidement, vite, tempo rapide, prestement | rápido, rápidamente, deprisa, tempo rápido, veloz \
| veloce, rapido, velocemente, rapidamente, svelto, tempo veloce
144 172 lively: vivace, vivacissimo | sehr lebhaftes tempo | | | vivace
168 200 very fast: presto, prestissimo, breakneck, very fast tempo | rasend schnell | à toute vitesse | a toda velocidad | a tutta velocità
"""
"""lowest and highest bpm, and what it is called."""

MODE_WORDS = """
minor: minor, minor key, minor mode | moll, molltonart | mineur, mode mineur, tonalité mineure \
| modo menor, tono menor, en menor, tonalidad menor | modo minore, in minore, tono minore, tonalità minore
major: major, major key, major mode | dur, durtonart | majeur, mode majeur, tonalité majeure \
| modo mayor, tono mayor, en mayor, tonalidad mayor | modo maggiore, in maggiore, tono maggiore, tonalità maggiore
"""

METER_WORDS = """
3/4: triple time, triple meter, triple metre, waltz time, three four, three quarter time, three four time | dreivierteltakt, dreiertakt \
| mesure à trois temps, à trois temps | compás de tres por cuatro, tres por cuatro | tre quarti, tempo di valzer
4/4: common time, four four, four four time, quadruple time | viervierteltakt, vierertakt | mesure à quatre temps, à quatre temps \
| compás de cuatro por cuatro, cuatro por cuatro | quattro quarti
2/4: two four time, duple time | zweivierteltakt, zweiertakt | mesure à deux temps, à deux temps | dos por cuatro | due quarti
6/8: six eight, six eight time, compound time | sechsachteltakt | mesure à six huit, six huit | seis por ocho | sei ottavi
5/4: five four, five four time | fünfvierteltakt | mesure à cinq temps, à cinq temps | cinco por cuatro | cinque quarti
"""

STYLE_WORDS = """
waltz: waltz, viennese waltz | walzer | valse | vals | valzer
minuet: minuet, sarabande, mazurka, polonaise, ländler | menuett, mazurka, polonaise | menuet | minueto | minuetto
lullaby: lullaby, cradle song | wiegenlied, schlaflied | berceuse | nana, canción de cuna | ninnananna, ninna nanna
march: march, marching music | marsch | marche militaire, marche | marcha | marcia
funeral march: funeral march, dirge | trauermarsch | marche funèbre | marcha fúnebre | marcia funebre
polka: polka | polka | polka | polca, polka | polca, polka
jig: jig, gigue, tarantella, barcarolle, siciliana | gigue, barkarole | tarentelle | tarantela, barcarola, giga | giga, barcarola
tango: tango, milonga | tango | tango | tango | tango
ballad: ballad, power ballad | ballade | ballade | balada | ballata
rock: rock, rock music, rock band, hard rock, grunge | rockmusik, rockig | musique rock | música rock, rock duro | musica rock
punk: punk, punk rock | punkig | | |
metal: heavy metal, death metal, metal music | metalmusik | musique metal | heavy metal | musica metal
pop: pop, pop music, synthpop | popmusik, poppig | musique pop | música pop | musica pop
jazz: jazz, jazzy, bebop, swing, jazz trio | jazzig | musique de jazz | música jazz | musica jazz
blues: blues, bluesy | bluesig | | |
bossa nova: bossa nova, samba | | | |
reggae: reggae, ska, dub | | | |
funk: funk, funky, soul music | funkig | | |
country: country music, bluegrass | countrymusik | musique country | música country | musica country
folk: folk song, folk music, folksong | volkslied, volksmusik | chanson folk, musique folklorique, musique folk | música folk | musica folk, \
canto popolare
flamenco: flamenco | | | |
ambient: ambient, ambient music, drone | ambientmusik, sphärisch | musique ambient, planant | música ambiental | musica ambient
chiptune: chiptune, chip tune, eight bit, video game music, game boy | videospielmusik, computerspielmusik | musique de jeu vidéo \
| música de videojuego | musica da videogioco
techno: techno, trance, dubstep, rave, electro | technomusik | | música electrónica | musica elettronica
house: house music, disco, dance music, electronica | elektronische musik | musique électronique | |
synthwave: synthwave, retrowave, vaporwave | | | |
hip hop: hip hop, trap beat, boom bap | | | |
lofi: lofi, lo fi, chillhop | | | |
drum and bass: drum and bass, drum n bass, jungle music | | | |
orchestral: orchestra, orchestral, symphonic, symphony, philharmonic, film score, cinematic, concerto | orchester, sinfonisch, \
symphonisch, sinfonie, symphonie, filmmusik | orchestre, orchestral, symphonique, symphonie, musique de film \
| orquesta, orquestal, sinfónico, sinfonía, banda sonora, música de cine | orchestra, orchestrale, sinfonico, sinfonia, colonna sonora
chamber: chamber music, chamber ensemble | kammermusik, kammerensemble | musique de chambre | música de cámara | musica da camera
baroque: baroque music, baroque | barockmusik, barock | musique baroque, baroque | música barroca, barroco | musica barocca, barocco
chorale: chorale, organ chorale | choral, kirchenmusik | choral, musique d'église | coral, música sacra | corale, musica sacra
fanfare: fanfare, brass band | fanfare, blasmusik, blaskapelle | fanfare | fanfarria | fanfara, banda di ottoni
ragtime: ragtime, boogie woogie | | | |
"""

PLAIN_MUSIC_WORDS = """
band, ensemble, trio, duo, duet, quartet, quintet, melody, melodies, tune, rhythm, chord, chords, key, tempo, meter, metre, beat per minute, \
instrument, instruments, instrumental, soundtrack, track, background, soloist, play, plays, playing, played, bpm, notes, tonality, scale, \
featuring, video game, accompaniment, accompanied, melodic, music style \
| band, ensemble, trio, duo, duett, quartett, melodie, rhythmus, akkord, tonart, tempo, takt, instrument, instrumental, hintergrund, \
solist, stil, begleitet \
| groupe, ensemble, trio, duo, quatuor, mélodie, rythme, accord, tonalité, tempo, mesure, instrument, instrumental, fond, style, genre \
| banda, conjunto, trío, dúo, cuarteto, melodía, ritmo, acorde, tonalidad, tempo, compás, instrumento, instrumental, fondo, estilo \
| gruppo, complesso, trio, duo, quartetto, melodia, ritmo, accordo, tonalità, tempo, misura, strumento, strumentale, sottofondo, stile
"""
"""Words that say that music is meant, and nothing that it should be: passed over."""


@dataclass(frozen=True)
class Style:
    """What a style asks for: who plays, the meter, the tempo in bpm (lowest, highest); None: nothing of the kind."""

    cast: tuple[str, ...] = ()
    meter: str | None = None
    tempo: tuple[float, float] | None = None


_BAND = ("guitar", "bass", "drums")
STYLES = {
    "waltz": Style(meter="3/4"),
    "minuet": Style(meter="3/4", tempo=(100, 132)),
    "lullaby": Style(tempo=(54, 76)),
    "march": Style(meter="4/4", tempo=(104, 124)),
    "funeral march": Style(meter="4/4", tempo=(48, 66)),
    "polka": Style(meter="2/4", tempo=(108, 132)),
    "jig": Style(meter="6/8"),
    "tango": Style(meter="4/4", tempo=(112, 132)),
    "ballad": Style(tempo=(60, 84)),
    "rock": Style(_BAND, "4/4", (108, 148)),
    "punk": Style(_BAND, "4/4", (160, 192)),
    "metal": Style(_BAND, "4/4", (120, 172)),
    "pop": Style(("piano", *_BAND), "4/4", (92, 128)),
    "jazz": Style(("piano", "bass", "drums")),
    "blues": Style(("piano", *_BAND), None, (66, 112)),
    "bossa nova": Style(("guitar", "bass", "drums")),
    "reggae": Style(("organ", *_BAND), "4/4", (68, 92)),
    "funk": Style(_BAND, "4/4", (96, 120)),
    "country": Style(_BAND),
    "folk": Style(("guitar", "strings")),
    "flamenco": Style(("guitar",)),
    "ambient": Style(("pad",), None, (50, 76)),
    "chiptune": Style(("lead", "bass", "drums")),
    "techno": Style(("lead", "pad", "bass", "drums"), "4/4", (124, 142)),
    "house": Style(("piano", "pad", "bass", "drums"), "4/4", (112, 128)),
    "synthwave": Style(("lead", "pad", "bass", "drums"), "4/4", (84, 118)),
    "hip hop": Style(("piano", "bass", "drums"), "4/4", (80, 100)),
    "lofi": Style(("piano", "bass", "drums"), "4/4", (68, 90)),
    "drum and bass": Style(("pad", "bass", "drums"), "4/4", (160, 178)),
    "orchestral": Style(("strings", "winds", "brass")),
    "chamber": Style(("strings", "piano")),
    "baroque": Style(("piano", "strings")),
    "chorale": Style(("organ",)),
    "fanfare": Style(("brass",)),
    "ragtime": Style(("piano",)),
}
"""Only where musicians would agree; what a style means beside it, the notes model may or may not know."""


def rows(table: str) -> list[tuple[str, list[list[str]]]]:
    """(value, names in each of the five languages) of each line of a table above."""
    found = []
    for line in table.strip().splitlines():
        value, _, cells = line.partition(": ")
        found.append((value, [[name.strip() for name in cell.split(",") if name.strip()] for cell in cells.split("|")]))
    return found
