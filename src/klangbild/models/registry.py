"""The one table of who makes music: for each engine and kind of model, how it is loaded, what it hears, whether it writes notes.

A published system is added with one row here and one folder beside the others. What is told of a knob (the command line's help, the
page, docs/options.md) and what is refused (`unheard.py`) comes from here. Nothing is imported until a row is asked for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Player:
    """What an engine and a model come to. Places in the program are written "module:name".

    engine: its `--engine`. called: its name in a sentence. hears: the settings that it listens to. load: a function of the
    settings, or a class, that gives the `contract.Engine`. plays: a function of a model's name (None: none was given) that says
    whether this player plays it; without one it plays all that no row above does. why_not: {a setting: why it is not heard}, said
    after "the model NAME, ". cpu_only: whether it computes on the CPU only. refuses: a function of the settings and of
    whether there is a `picture` that raises for what this player alone cannot do, or lacks. needs: the extra whose libraries it needs. adds: {a word by which `klangbild
    models add` knows a download of it: a function of what is given, the model's name and whether to overwrite, that gives the folder}. reads_pictures: {a kind of added model: what opens the picture encoder in it, an
    `emotion.prediction.Predictor`, by its name}. parity: {a kind of recorded data: the module that compares it}. commands: the module
    whose `add_data_commands` and `add_train_commands` add what prepares its data and trains it to `klangbild data` and `train`.
    families: where the instrument families stand that it plays; None: all.
    """

    name: str
    engine: str
    called: str
    hears: frozenset[str]
    load: str
    plays: str | None = None
    writes_notes: bool = True
    why_not: Mapping[str, str] = field(default_factory=dict)
    cpu_only: bool = False
    refuses: str | None = None
    needs: str | None = None
    adds: Mapping[str, str] = field(default_factory=dict)
    reads_pictures: Mapping[str, str] = field(default_factory=dict)
    parity: Mapping[str, str] = field(default_factory=dict)
    commands: str | None = None
    families: str | None = None


_ALL = frozenset(
    [
        "engine",
        "model",
        "seconds",
        "exact",
        "seed",
        "text",
        "candidates",
        "guidance",
        "loudness",
        "video",
        "emotion_model",
        "kind",
        "commercial",
        "device",
    ]
)
_FEELING = frozenset(["valence", "arousal"])
_NOTES = frozenset(["bars", "instruments", "without", "key", "tempo", "soundfont"])
_DRAWN = frozenset(
    [
        "gen_len",
        "conditioning",
        "note_temperature",
        "rest_temperature",
        "top_p",
        "top_k",
        "repetition_penalty",
        "min_instruments",
        "meter",
        "path",
        "gaze",
        "continue_from",
        "sampler",
    ]
)
_DENOISED = frozenset(["negative", "steps"])
_PLACED = frozenset(["precision", "offload"])
_PLANNED = (_ALL | _FEELING | _NOTES | _DRAWN | _DENOISED | {"loop", "hits"}) - {"conditioning", "sampler"}
_OWN_PLAN = "klangbild.models.plan.base:plays"
_NO_NUMBERS = dict.fromkeys(
    sorted(_FEELING), "which looks at the picture itself and knows no numbers for a feeling; say it in --text"
)
_INT8 = dict.fromkeys(
    sorted(_PLACED), "which computes in int8 on the CPU; it is for the published sound systems: name one with --model"
)
_PUBLISHED = "the published sound systems"

PLAYERS = (
    Player(
        "bars", "notes", "our notes models", _ALL | _FEELING | _NOTES | _DRAWN | {"picture_weight", "loop", "hits", "drafts"},
        load="klangbild.models.bars.weights:load_engine", plays="klangbild.models.bars.weights:is_ours", cpu_only=True,
        commands="klangbild.models.bars.commands",
    ),
    Player(
        "aria", "notes", "ARIA's models", (_ALL | _FEELING | _NOTES | _DRAWN) - {"guidance"},
        load="klangbild.models.aria.weights:load_engine",
        why_not={
            "loop": "which knows no bars that could lead on to the first one; leave it out",
            "hits": "which knows no bars that could begin at a second; leave it out",
            "drafts": "whose pieces are read by the judges but take too long to be written again; leave it out",
            "picture_weight": "which hears the picture as its feeling alone; leave it out",
            "guidance": "which was trained with an emotion at every note and so has nothing to be steered away from; leave it out"
        },
        adds={"aria": "klangbild.models.aria.convert_torch:convert"}, reads_pictures={"midi-emotion": "klangbild.models.aria.picture_encoder_torch:open_aria"},
        parity={"midi-emotion": "klangbild.models.aria.parity"}, commands="klangbild.models.aria.commands",
        families="klangbild.models.aria.vocabulary:INSTRUMENTS",
    ),
    Player(
        "plan", "art2mus", "our plan model", _PLANNED | {"image_tokens"},
        load="klangbild.models.plan.engine:load", plays=_OWN_PLAN, why_not=_INT8, cpu_only=True, commands="klangbild.models.plan.commands",
    ),
    Player(
        "plan", "melfusion", "our plan model", _PLANNED | {"synapse"},
        load="klangbild.models.plan.engine:load", plays=_OWN_PLAN, why_not=_INT8, cpu_only=True, commands="klangbild.models.plan.commands",
    ),
    Player(
        "art2mus", "art2mus", _PUBLISHED, _ALL | _DENOISED | _PLACED | {"image_tokens"},
        load="klangbild.models.published.art2mus.engine:Art2MusEngine", writes_notes=False, why_not=_NO_NUMBERS, needs="diffusion",
        refuses="klangbild.models.published.where:refuse_incomplete",
        adds=dict.fromkeys(("art2mus", "audioldm2", "imagebind", "projection"), "klangbild.models.published.art2mus.add:add"),
        parity={
            "art2mus": "klangbild.models.published.art2mus.parity", "imagebind": "klangbild.models.published.imagebind.parity",
        },
        commands="klangbild.models.published.art2mus.commands",
    ),
    Player(
        "melfusion", "melfusion", _PUBLISHED, _ALL | _DENOISED | _PLACED | {"synapse"},
        load="klangbild.models.published.melfusion.engine:MelfusionEngine", writes_notes=False, why_not=_NO_NUMBERS,
        needs="diffusion", refuses="klangbild.models.published.where:refuse_incomplete",
        adds=dict.fromkeys(("melfusion", "tango", "stable-diffusion", "synapses"), "klangbild.models.published.melfusion.add:add"),
        parity={"melfusion": "klangbild.models.published.melfusion.parity"},
        commands="klangbild.models.published.melfusion.commands",
    ),
)  # fmt: skip
ENGINES = tuple(dict.fromkeys(player.engine for player in PLAYERS))
ADDABLE = {word: place for player in PLAYERS for word, place in player.adds.items()}
"""Models of others, and downloads of which they are made, as `klangbild models add` knows them, and what adds each."""
PICTURE_READERS = {kind: place for player in PLAYERS for kind, place in player.reads_pictures.items()}
"""Kinds of added models that may have a picture encoder, and what opens it."""
PARITY = {kind: module for player in PLAYERS for kind, module in sorted(player.parity.items())}
"""Kinds of recorded data of published systems, and the module that compares each with our code."""
COMMANDS = (
    *dict.fromkeys(player.commands for player in PLAYERS if player.commands), "klangbild.emotion.training.commands",
)  # fmt: skip
"""Whose parts `klangbild data` and `klangbild train` have: every model's, and those of what reads the picture."""


def player_of(engine: str, model: str | None) -> Player:
    """Who plays for an engine of `ENGINES` with this model (None: the one that ships).

    Raises:
        NotAvailableError: the model is one that klangbild does not have any more.
    """
    of_engine = [player for player in PLAYERS if player.engine == engine]
    return next(player for player in of_engine if player.plays is None or named(player.plays)(model))


def engines_hearing(setting: str) -> tuple[str, ...]:
    """The engines of which at least one model listens to a setting.

    >>> engines_hearing("negative"), engines_hearing("key") == ENGINES
    (('art2mus', 'melfusion'), True)
    """
    return tuple(name for name in ENGINES if any(p.engine == name and setting in p.hears for p in PLAYERS))


def deaf(setting: str) -> tuple[Player, ...]:
    """The players that do not listen to a setting although another model of their engine does.

    >>> [player.name for player in deaf("guidance")], [player.name for player in deaf("tempo")]
    (['aria'], ['art2mus', 'melfusion'])
    """
    return tuple(p for p in PLAYERS if p.engine in engines_hearing(setting) and setting not in p.hears)


def named(place: str) -> Any:
    """What "module:name" names. Raises ModuleNotFoundError: a library that the module needs is not installed."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
