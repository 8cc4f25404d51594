"""English, German, French, Spanish and Italian as far as a short text needs them: endings, accents, and the small words.

Nothing here knows what a word feels like: `affect_words` and `affect_translations` do. The lists are our own.
"""

from __future__ import annotations

import re
import unicodedata

from klangbild.emotion.affect_words import NEGATIONS, PLAIN, STRENGTHENERS, WEAKENERS

LANGUAGES = ("en", "de", "fr", "es", "it")
"""In the order in which a word that several know is read, where the text itself does not say which it is in."""
NAMES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian"}

WITHOUT = {
    "en": "without except excluding instead_of rather_than everything_but all_but", "de": "ohne außer statt anstatt anstelle_von",
    "fr": "sans sauf excepté hormis au_lieu_de au_lieu_du au_lieu_des à_la_place_de à_la_place_du", "es": "sin excepto salvo en_vez_de en_vez_del en_lugar_de en_lugar_del todo_menos",
    "it": "senza tranne eccetto invece_di invece_del invece_della al_posto_di al_posto_del al_posto_della tutto_meno",
}  # fmt: skip
"""Turns what follows into its opposite, and whatever "and" joins to it; behind a "not" it turns back."""
NOT = {
    "en": " ".join(sorted(NEGATIONS - {"without"})), "de": "nicht nie niemals kein keine keinen keiner keines keinem weder",
    "fr": "pas non jamais aucun aucune ni", "es": "no nunca jamás ningún ninguna ninguno ni tampoco",
    "it": "non no mai nessun nessuno nessuna né neanche",
}  # fmt: skip
_NO = "no without kein keine keinen ohne sans aucun aucune sin ningún ninguna senza nessun nessuna pas"
NO = frozenset(_NO.split())
"""Those that deny a noun: "no heavy drums" denies the drums."""
LINKS = {"en": "or and", "de": "oder und noch", "fr": "ou et", "es": "o y e u", "it": "o e ed né oppure"}
BREAKS = {
    "en": "but with",
    "de": "aber sondern mit doch",
    "fr": "mais avec",
    "es": "pero sino con",
    "it": "ma con bensì",
}
ONLY = {
    "en": "only just solo solely", "de": "nur bloß lediglich solo", "fr": "seulement uniquement rien_que solo",
    "es": "solo solamente únicamente", "it": "solo soltanto solamente unicamente",
}  # fmt: skip

_STRONGER = {
    "de": "sehr 1.3 äußerst 1.5 extrem 1.5 wirklich 1.25 so 1.2 tief 1.35 höchst 1.4 ungemein 1.4 mehr 1.2 ganz 1.1 zu 1.2 allzu 1.2",
    "fr": "très 1.3 extrêmement 1.5 vraiment 1.25 si 1.2 profondément 1.35 hautement 1.3 plus 1.2 trop 1.2 tellement 1.3",
    "es": "muy 1.3 extremadamente 1.5 realmente 1.25 tan 1.2 profundamente 1.35 sumamente 1.4 más 1.2 demasiado 1.2 bien 1.1",
    "it": "molto 1.3 estremamente 1.5 davvero 1.25 così 1.2 profondamente 1.35 assai 1.3 più 1.2 troppo 1.2 tanto 1.2 ben 1.1",
}
_WEAKER = {
    "de": "etwas 0.6 ziemlich 0.85 eher 0.8 fast 0.7 kaum 0.35 weniger 0.5 bisschen 0.55 halb 0.6 wenig 0.4",
    "fr": "peu 0.5 assez 0.85 plutôt 0.8 presque 0.7 moins 0.5 légèrement 0.5 à_peine 0.35",
    "es": "poco 0.5 algo 0.6 bastante 0.85 casi 0.7 menos 0.5 ligeramente 0.5 apenas 0.35",
    "it": "poco 0.5 abbastanza 0.85 piuttosto 0.8 quasi 0.7 meno 0.5 leggermente 0.5 appena 0.35",
}
_MORE_PLAIN = "do does use using everything anything please let lets go goes along around"
_PLAIN = {
    "de": """ein eine einen einem einer eines der die das den dem des im in ins am an auf aus bei beim von vom zu zum zur für als wie
        ist sind war waren wird sein es ich du er sie wir ihr mich dir mir uns dieser diese dieses diesem diesen jeder jede alle etwas
        über unter vor nach während wo wer was wenn dann auch bitte bild gemälde foto musik stück klang klänge lied stimmung gefühl
        gefühle szene mach mache will möchte soll durch zwischen neben dass daß viel viele man sich noch hat haben
        gern gerne alles nimm nutze welt ton töne begleitung zweite erste mein meine meinem dein deine seine ihre unser spielt spielen begleitet""",
    "fr": """un une le la les l de du des d à au aux en dans sur sous avec_un par pour et_puis est sont était c ce cet cette ces qui que
        quoi où comme ne n je tu il elle nous vous ils elles on mon ma mes ton ta tes son sa ses notre votre leur plein beaucoup
        s'il_vous_plaît musique morceau tableau image peinture photo son_de chanson ambiance atmosphère humeur scène sentiment fait faire
        veux voudrais pendant entre avant après puis aussi tout toute tous toutes être y a joue jouent accompagné accompagnement air""",
    "es": """un una unos unas el la los las lo de del al a en por para es son era este esta estos estas ese esa que quien como donde
        yo tú él ella nosotros ellos mi tu su sus mis tus nuestro se me te le música pieza cuadro imagen foto pintura canción ambiente
        sonido escena ánimo sentimiento sensación favor por_favor quiero quisiera entre sobre bajo_el antes después también todo toda
        todos hay está están muchos mucho mucha toca tocan acompañamiento aire""",
    "it": """un uno una il lo la i gli le l di del dello della dei degli delle d a al allo alla ai agli alle all da dal dalla in nel
        nella nell su sul sulla per tra fra è sono era questo questa questi quello quella che chi cosa come dove io tu lui lei noi loro
        mio mia tuo tua suo sua nostro si mi ti ci vi se musica brano pezzo quadro immagine foto dipinto canzone atmosfera suono scena
        umore sentimento favore per_favore voglio vorrei durante prima dopo anche tutto tutta tutti c'è ce molti molte suona suonano aria""",
}
_FALSE_FRIENDS = """
    hell see sang laid mare sole bang fort vague lent rein rast tot mar matt strom las vide fest hart edel mut leid flut die hat man
    art den son pour come dove con par sur sue due fare more sin tag rot gut rose feld main mais est chat pain fin real sage sera ira
    rayo place pie red ton pas on tan si mine wand bald fee herd bin bach group groups prompt prompts
    pre mere transport held grab llama genre
"""
FALSE_FRIENDS = frozenset(_FALSE_FRIENDS.split()) - PLAIN
"""Words that are English too and mean something else there. Where the text is English they are not understood, and told."""

_APOSTROPHES = "l d j c n s m t qu jusqu lorsqu dell all nell sull dall un quell quest bell senz sant"
_ELISIONS = frozenset(_APOSTROPHES.split())


def fold(word: str) -> str:
    """Lower case without accents, "ß" as "ss".

    >>> fold("Fröhlich"), fold("Straße"), fold("CŒUR"), fold("niño")
    ('frohlich', 'strasse', 'coeur', 'nino')
    """
    if word.isascii():
        return word.lower()
    word = word.casefold().replace("œ", "oe").replace("æ", "ae").replace("’", "'")
    return "".join(letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter))


def spellings(word: str) -> set[str]:
    """How a word may be written: folded, and with "ae", "oe", "ue" for its umlauts.

    >>> sorted(spellings("fröhlich"))
    ['froehlich', 'frohlich']
    """
    if word.isascii():
        return {word.lower()}
    spelt = word.casefold().translate(str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"}))
    return {fold(word), fold(spelt)}


def elided(token: str) -> tuple[str, str] | None:
    """("l", "orage") of "l'orage", ("n", "est") of "n'est"; None where the apostrophe is no such thing.

    >>> elided("dell'alba"), elided("don't")
    (('dell', 'alba'), None)
    """
    first, sign, rest = token.replace("’", "'").partition("'")
    return (first, rest) if sign and rest and fold(first) in _ELISIONS else None


def small_words(language: str) -> dict[str, tuple[str, float]]:
    """{word: (what it does, by how much)}: plain, not, without, link, break, only; stronger and weaker have a factor."""
    words: dict[str, tuple[str, float]] = {}
    if language == "en":
        plain, factors = PLAIN | frozenset(_MORE_PLAIN.split()), {**STRENGTHENERS, **WEAKENERS}
    else:
        plain = frozenset(_PLAIN[language].split())
        parts = f"{_STRONGER[language]} {_WEAKER[language]}".split()
        factors = {word: float(number) for word, number in zip(parts[::2], parts[1::2], strict=True)}
    words |= dict.fromkeys(plain, ("plain", 1.0))
    words |= {word: ("factor", factor) for word, factor in factors.items()}
    for does, lists in (("only", ONLY), ("link", LINKS), ("break", BREAKS), ("not", NOT), ("without", WITHOUT)):
        words |= dict.fromkeys(lists[language].split(), (does, 1.0))
    return {word.replace("_", " "): what for word, what in words.items()}


def stem(word: str, language: str = "en") -> str:
    """A folded word without the endings of its language: number, gender, case, adverb; a short cut, enough for our tables.

    >>> stem("frohliches", "de"), stem("joyeuses", "fr"), stem("tranquilas", "es"), stem("malinconiche", "it")
    ('frohlich', 'joyeu', 'tranquil', 'malinconic')
    """
    return _STEMS[language](word)


def _english(word: str) -> str:
    """A short cut through Porter's rules (1980).

    >>> _english("storms"), _english("stormy"), _english("peacefully"), _english("peaceful")
    ('storm', 'storm', 'peac', 'peac')
    """
    for _ in range(3):
        for ending in (
            "fulness", "ousness", "iveness", "ations", "fully", "ously", "ingly", "ation", "ating", "ative", "edly", "ated",
            "ates", "ness", "ment", "ions", "ion", "ate", "ful", "ous", "ing", "ity",
            "ies", "ily", "est", "ed", "ly", "er", "es", "s", "y", "e",
        ):  # fmt: skip
            if word.endswith(ending) and len(word) - len(ending) >= (3 if ending in ("s", "y", "e", "es", "ly") else 4):
                if ending == "s" and word.endswith("ss"):
                    continue
                word = word[: -len(ending)]
                break
        else:
            break
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    return word


def _german(word: str) -> str:
    for _ in range(2):
        for ending in ("ern", "em", "en", "er", "es", "e", "n", "s"):
            if word.endswith(ending) and len(word) - len(ending) >= (3 if ending[0] == "e" else 4):
                word = word[: -len(ending)]
                break
    return re.sub(r"e(?=[lr]$)", "", word) if len(word) > 5 else word


def _french(word: str) -> str:
    word = word[:-1] if len(word) > 4 and word[-1] in "sx" and not word.endswith("ss") else word
    if word.endswith("ement") and len(word) > 8:
        word = word[:-4]
    for ending, left in (("euse", "eu"), ("eux", "eu"), ("ive", "if"), ("elle", "el"), ("enne", "en"), ("aux", "al"),
                         ("au", "al"), ("ere", "er"), ("ee", "e"), ("ue", "u"), ("ille", "il")):  # fmt: skip
        if word.endswith(ending) and len(word) - len(ending) >= (1 if ending == "ive" else 3):
            return word[: -len(ending)] + left
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def _spanish(word: str) -> str:
    word = word[:-5] if word.endswith("mente") and len(word) > 8 else word
    word = re.sub(r"isim[oa]s?$", "o", word)
    if word.endswith("ces") and len(word) > 5:
        return word[:-3] + "z"
    word = word[:-1] if len(word) > 4 and word.endswith("s") else word
    return word[:-1] if len(word) > 3 and word[-1] in "aoe" else word


def _italian(word: str) -> str:
    word = word[:-5] if word.endswith("mente") and len(word) > 8 else word
    word = re.sub(r"issim[oaie]$", "o", word)
    if re.search(r"[cg]h[ei]$", word):
        return word[:-2]
    return re.sub(r"i?[aeio]$", "", word) if len(word) > 3 else word


_STEMS = {"en": _english, "de": _german, "fr": _french, "es": _spanish, "it": _italian}
