"""Which words of content are known to hold, or not to hold, of the pictures in our sets: from themes, class names and titles.

Nobody labelled these pictures word by word. A theme such as "Beach" makes "the sea" true, leaves "the sky" open and "a dog" false; so
each label is 1, 0 or -1 (not known), and what is not known is neither learnt from nor measured on.
"""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np

WORDS: tuple[str, ...] = (
    "people", "the sea", "mountains", "snow", "trees", "flowers", "buildings", "a town at night", "a dog", "a cat", "a bird",
    "fish", "an insect", "a snake or lizard", "wild animals", "farm animals", "a monkey or ape", "a boat", "a car", "a train",
    "something that flies", "food", "fire", "lightning", "fireworks", "the stars", "weapons", "sport", "musical instruments",
    "a room", "graves", "a bridge", "a church or temple",
)  # fmt: skip

# themes of OASIS: what they show for certain, and (after the bar) what they may show besides
_THEMES = {
    "the sea": "beach sailing shark stingray|parasailing boat dock cliff seal penguins sunset flood rafting bird pigeon sky couple happy swimming sun rainbow lightning yoga volcano lava galaxy skydiving skyscraper city bridge rocks",
    "mountains": "|cliff rock climbing camping skijump volcano snow cold nature sky lightning rainbow hang gliding parachuting rafting desert rocks woods lava sunset goat path road war tornado sun couple gazing lake grass flood",
    "snow": "snow|cold skijump penguins wolf camping nature bear dog rock climbing animal carcass seal volcano",
    "trees": "woods bark|camping nature path grass cemetery graveyard sidewalk street road fence picnic rainbow snow cold monkey timber lion elephant bird rock climbing swingset wedding mother father couple baby house fire dog cat destruction yoga sunset bridge city running war wolf bear zebra goat lamb horse horse racing deer chipmunk orangutan rafting frisbee biking motocross archery tornado flood lightning garbage dump car accident car crash explosion pollution exercise memorial funeral statue barbeque children siblings party parade windmill building school sky sun lava pinecone snake spider pigeon crow gorrila opossum meerkat dock boat satellite traffic happy pose sad pose gazing bored pose frustrated pose depressed pose excited face sad face miserable face angry pose rugby skinhead kkk rally dead bodies child labor shooting police fireman ambulance volcano stingray",
    "flowers": "sunflower|wedding bee cemetery graveyard grass nature memorial funeral birthday couple mother present ornament heart woods path picnic house fence statue",
    "buildings": "building skyscraper city house|street sidewalk school destruction fire graveyard cemetery memorial statue bridge traffic explosion flood tornado roofing police wall windmill ambulance car accident car crash parade kkk rally lightning fireworks jail running rocks sunset fence crosswalk road war skydiving cliff rainbow pollution dock beach happy pose sad pose depressed pose gazing biking child labor fireman bungee jumping motocross car race car fire hydrant toilet hallway barrels bricks storage snow cold wedding office performance party band collaboration dead bodies garbage dump sky camping boat sailing galaxy solar panel satellite",
    "a town at night": "|city skyscraper fireworks lightning street galaxy moon building bridge explosion fire traffic party bar performance band parade",
    "a dog": "dog|dog attack wolf camping couple",
    "a cat": "cat|scared cat lion",
    "a bird": "bird pigeon crow penguins rooster|rubber duck farm animal carcass sky beach sunset sailing",
    "fish": "shark stingray|food seal beach animal carcass barbeque",
    "an insect": "bee cockroach|spider sunflower food garbage dump animal carcass bark grass",
    "a snake or lizard": "snake|",
    "wild animals": "lion bear wolf elephant zebra|meerkat seal monkey gorrila orangutan shark chipmunk opossum animal carcass dog attack scared cat cat ferret penguins dog",
    "farm animals": "goat lamb horse|animal carcass horse racing rooster zebra",
    "a monkey or ape": "monkey gorrila orangutan|",
    "a boat": "sailing boat|dock beach rafting parasailing shark flood",
    "a car": "car car race|car crash car accident traffic ambulance street police road flood tornado destruction fire sidewalk motocross explosion garbage dump war crosswalk parade fire hydrant roofing wedding city",
    "a train": "|",
    "something that flies": "parachuting hang gliding skydiving|parasailing satellite astronaut war bird pigeon bungee jumping cliff diver skijump galaxy",
    "food": "food toast|eating picnic barbeque alcohol drink coffee birthday party feces couple bar present fire camping pinecone baby",
    "fire": "fire|explosion barbeque camping fireman lava volcano candle birthday destruction kkk rally sunset sun war lightning car accident car crash fireworks performance parade city",
    "lightning": "lightning|",
    "fireworks": "fireworks|explosion performance party lightning galaxy",
    "the stars": "galaxy|moon satellite astronaut sky fireworks",
    "weapons": "gun weapon|war shooting police knife bloody knife shot archery skinhead torture chamber dead bodies",
    "sport": "rugby skijump football player|boxing biking motocross horse racing exercise rock climbing rafting parasailing skydiving yoga frisbee archery cheerleader car race cliff diver swimming billiards bungee jumping running excited face happy pose hang gliding parachuting performance snow angry pose",
    "musical instruments": "|band musician performance parade",
    "a room": "hallway bed|bar office supplies school surgery doctor toilet jail storage eating party billiards torture chamber cat dog baby mother exercise birthday roofing coffee wedding clean couple happy sad bored frustrated massage phone research collaboration hangover drink alcohol candle depressed depressed face dead bodies boxing cheerleader band musician performance present child labor hospital yoga destruction fire",
    "graves": "cemetery graveyard|memorial funeral statue",
    "a bridge": "bridge|city rafting dock skyscraper road bungee jumping street sidewalk",
    "a church or temple": "|wedding building city memorial funeral statue graveyard cemetery house skyscraper",
}  # fmt: skip

# ImageNet's classes by their number (they stand in the order of WordNet): first and last, both counted
_CLASSES = {
    "fish": ((0, 6), (389, 397)), "a bird": ((7, 24), (80, 100), (127, 146)), "a snake or lizard": ((33, 68),),
    "an insect": ((300, 326),), "a dog": ((151, 268),), "a cat": ((281, 285),),
    "wild animals": ((269, 280), (286, 297), (340, 340), (346, 347), (350, 354), (385, 388), (101, 101)),
    "farm animals": ((339, 339), (341, 341), (345, 345), (348, 349)), "a monkey or ape": ((365, 384),),
    "food": ((924, 969), (987, 987), (948, 957)), "flowers": ((985, 986),), "mountains": ((970, 970), (979, 980)),
    "the sea": ((973, 973), (977, 978)), "the stars": (),
}  # fmt: skip
_NAMES = {
    "a boat": "aircraft_carrier canoe catamaran container_ship fireboat gondola lifeboat liner ocean_liner pirate speedboat schooner trimaran yawl submarine",
    "a car": "ambulance beach_wagon cab convertible jeep limousine minivan model_t racer sports_car police_van moving_van pickup garbage_truck fire_engine tow_truck trailer_truck",
    "a train": "steam_locomotive electric_locomotive bullet_train passenger_car freight_car streetcar",
    "something that flies": "airliner airship balloon parachute warplane wing",
    "musical instruments": "accordion acoustic_guitar banjo bassoon cello cornet drum electric_guitar flute french_horn grand_piano harp marimba oboe organ panpipe sax steel_drum trombone upright violin",
    "buildings": "barn castle church mosque palace monastery boathouse cinema library greenhouse mobile_home restaurant bakery barbershop butcher_shop planetarium dome bell_cote lighthouse beacon",
    "a church or temple": "church mosque monastery stupa bell_cote altar",
    "a bridge": "steel_arch_bridge suspension_bridge viaduct", "weapons": "assault_rifle rifle revolver cannon missile projectile",
    "mountains": "alp volcano cliff valley", "sport": "ballplayer scuba_diver basketball football_helmet",
    "fire": "volcano", "people": "groom ballplayer scuba_diver bridegroom",
}  # fmt: skip
# words that no ImageNet class speaks of, or that any of its photographs may show
_ANYWHERE = {
    "people",
    "trees",
    "snow",
    "a room",
    "the sea",
    "flowers",
    "buildings",
    "mountains",
    "sport",
    "food",
    "a car",
    "a town at night",
}
_TITLES = {
    "people": r"portrait|self.?portrait|madonna|virgin|woman|girl|boy|man|lady|bathers|dancer|family|saint|countess|queen|king",
    "the sea": r"sea|harbou?r|coast|beach|shipwreck|waves?|seascape", "mountains": r"mountains?|alps|mont|mount",
    "snow": r"snow|winter", "flowers": r"flowers?|roses|sunflowers|bouquet|tulips?|peonies|dahlias|lilacs|poppies",
    "a boat": r"boats?|ships?|sailing|regatta", "trees": r"trees?|forest|woods?|orchard|landscape", "a bridge": r"bridge|pont",
    "a church or temple": r"church|cathedral|monastery|notre-dame",
}  # fmt: skip


def labels_of_theme(theme: str, category: str) -> np.ndarray:
    """OASIS: int8 (len(WORDS),) of 1, 0 and -1; category is Animal, Object, Person or Scenery."""
    theme, found = theme.strip().lower(), np.zeros(len(WORDS), np.int8)
    for index, word in enumerate(WORDS):
        if word == "people":
            found[index] = 1 if category == "Person" else 0 if category in ("Animal", "Scenery") else -1
            continue
        sure, open_ = (_lists(part) for part in _THEMES[word].split("|"))
        found[index] = 1 if theme in sure else -1 if any(theme.startswith(t) for t in open_) else 0
    return found


def _lists(text: str) -> set[str]:
    """Themes of one or two words: every run of words in the text is one."""
    words = text.split()
    return set(words) | {" ".join(pair) for pair in pairwise(words)}


def labels_of_class(number: int, name: str) -> np.ndarray:
    """An ImageNet class by its number (0..999) and name: int8 (len(WORDS),)."""
    found = np.zeros(len(WORDS), np.int8)
    for index, word in enumerate(WORDS):
        inside = any(low <= number <= high for low, high in _CLASSES.get(word, ()))
        if inside or name.lower() in _NAMES.get(word, "").split():
            found[index] = 1
        elif word in _ANYWHERE or (word == "fire" and number > 397):
            found[index] = 0 if number <= 397 and word in ("food", "a car", "a town at night") else -1
    return found


def labels_of_title(title: str) -> np.ndarray:
    """A painting by its title: 1 where it says so; what it does not say is not known (-1). int8 (words,)."""
    return np.array(
        [1 if word in _TITLES and re.search(rf"\b(?:{_TITLES[word]})\b", title.lower()) else -1 for word in WORDS],
        np.int8,
    )
