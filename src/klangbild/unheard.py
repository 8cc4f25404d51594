"""Nothing that was asked for is passed over in silence: it is refused before any work, or the result tells of it.

`models/registry.py` says of each player, which is what an engine and a model come to, which settings it hears, and why not the others.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from klangbild.contract import EngineOutput, Request
from klangbild.emotion.space import EmotionPath
from klangbild.errors import NotAvailableError, UsageError
from klangbild.models.engines import families_of, player_of, writes_notes
from klangbild.models.registry import Player, engines_hearing, named
from klangbild.music.piece import Key
from klangbild.settings import Settings, flag_of

_LONGEST_BAR_BEATS, _SLOWEST_BPM = 6.0, 40.0


def refuse_unheard(settings: Settings, *, picture: bool | None = None) -> None:
    """What can be known before any work. picture: whether there is one; None: not known yet.

    Raises:
        UsageError: the engine, or its model, does not listen to a setting that is not at its default; or two settings leave one
            of them without effect. NotAvailableError: a device that the model cannot compute on, or a part that it lacks.
    """
    given = [knob for knob in fields(Settings) if getattr(settings, knob.name) != knob.default]
    for knob in given:
        engines = engines_hearing(knob.name)
        if settings.engine not in engines:
            raise UsageError(
                f"{flag_of(knob.name)} is not heard by --engine {settings.engine}; leave it out, or use --engine "
                f"{' or '.join(engines)}"
            )
    player = player_of(settings)
    for knob in given:
        if knob.name in player.why_not:
            raise UsageError(
                f"{flag_of(knob.name)} is not heard by {_called(settings, player)}, {player.why_not[knob.name]}"
            )
        if knob.name not in player.hears:
            raise UsageError(
                f"{flag_of(knob.name)} is not heard by the model {settings.model or settings.engine}, which makes sound "
                "without notes; leave it out, or leave --model out, or use --engine notes"
            )
    if settings.device.startswith(("cuda", "mps")) and player.cpu_only:
        raise NotAvailableError(
            f"--device {settings.device}: the model {settings.model or 'that ships'} computes on the CPU only; leave --device out"
        )
    _refuse_without_effect(settings)
    if player.refuses and picture is not None:
        named(player.refuses)(settings, picture=picture)


def _called(settings: Settings, player: Player) -> str:
    return f"the model {settings.model}" if settings.model else player.called


def _refuse_without_effect(settings: Settings) -> None:
    if settings.negative and settings.guidance == 1:
        raise UsageError(
            "--negative is not heard at --guidance 1, which keeps away from nothing; leave one of them out"
        )
    if settings.conditioning == "none":
        for name in ("guidance", "path"):
            if getattr(settings, name) is not None:
                raise UsageError(
                    f"{flag_of(name)} is not heard with --conditioning none, which tells the model no emotion; leave one of "
                    "them out"
                )
    meter = None
    if settings.meter:
        numerator, _, denominator = settings.meter.partition("/")
        meter = (int(numerator), int(denominator))
    if settings.hits is not None:
        from klangbild.music.hits import parse_hits, refuse_hits

        refuse_hits(
            parse_hits(settings.hits),
            seconds=settings.length_seconds,
            bars=settings.bars,
            tempo=settings.tempo,
            meter=meter,
        )
    if settings.path is not None and settings.bars is not None and settings.continue_from is None:
        beats = 4.0 * meter[0] / meter[1] if meter else _LONGEST_BAR_BEATS
        longest_s = settings.bars * beats * 60.0 / (settings.tempo or _SLOWEST_BPM)
        last_s = EmotionPath.parse(settings.path).points[-1][0]
        if last_s > longest_s:
            raise UsageError(
                f"--path: its point at {last_s:g} s lies beyond the end of {settings.bars} bars, which last {longest_s:.4g} s at the most; "
                "give more --bars, or move the point"
            )
    if settings.path is not None and settings.length_seconds is not None and settings.continue_from is None:
        last_s = EmotionPath.parse(settings.path).points[-1][0]
        if last_s > settings.length_seconds:
            raise UsageError(
                f"--path: its point at {last_s:g} s lies beyond the end of the piece, which is {settings.length_seconds:g} s long; "
                f"give --seconds {last_s:g}, or move the point"
            )


def told_of(request: Request, output: EngineOutput) -> tuple[str, ...]:
    """What the asker should know of the wishes that were not, or not quite, granted: a line each."""
    settings = request.settings
    lines = [f"{name}: played by {family}" for name, family in settings.played_by.items()]
    if settings.continue_from is not None:
        from klangbild.music.midi import read_continued

        lines += [
            f"{Path(settings.continue_from).name}: {line}" for line in read_continued(settings.continue_from).told
        ]
    if writes_notes(settings) and settings.text:
        from klangbild.music.words_heard import told_of_words

        unknown = output.facts.get("words_unknown")  # of a model that knows words of its own
        lines += told_of_words(
            settings, seed=request.draw_seed, asked=request.asked, families=families_of(settings), unknown=unknown
        )
    lines += _told_of_the_picture(request) + _told_of_the_voice(settings) + _told_of_the_emotion(settings)
    lines += output.told
    if settings.exact and not writes_notes(settings):
        lines.append("--exact is of no effect: this model's sound is as long as asked anyway")
    if output.piece is not None and not output.stopped:
        lines += _told_of_the_piece(settings, output)
    return tuple(dict.fromkeys(lines))


def told_of_given(given: dict[str, Any]) -> list[str]:
    """Of knobs set by hand to klangbild's default, which midi-emotion's sampler takes for "as midi-emotion does"."""
    if given.get("sampler") != "midi-emotion":
        return []
    from klangbild.models.aria.engine import sampling_of

    theirs = sampling_of(Settings(sampler="midi-emotion"))
    meant = {
        "note_temperature": theirs.after_shift, "rest_temperature": theirs.otherwise, "top_p": theirs.top_p,
        "repetition_penalty": 1.0 + theirs.repeat_penalty,
    }  # fmt: skip
    return [
        f"{flag_of(name)} {given[name]:g} is klangbild's default, for which midi-emotion's sampler takes its own, {value:g}"
        for name, value in meant.items()
        if given.get(name) == getattr(Settings, name) != value
    ]


def _told_of_the_picture(request: Request) -> list[str]:
    settings, lines = request.settings, []
    if request.picture_facts is None:
        for name in ("emotion_model", "kind", "picture_weight", "image_tokens", "synapse"):
            if getattr(settings, name) != Settings.__dataclass_fields__[name].default:
                lines.append(f"{flag_of(name)} is of no effect: there is no picture")
    elif settings.kind != "auto" and not _tells_kinds(settings.emotion_model):
        lines.append(f"--kind is of no effect: {settings.emotion_model} reads paintings and photographs alike")
    elif not writes_notes(settings):
        for name in ("emotion_model", "kind"):
            if getattr(settings, name) != Settings.__dataclass_fields__[name].default:
                lines.append(f"{flag_of(name)} changes what is said of the picture only: this model looks at it itself")
    return lines


def _told_of_the_voice(settings: Settings) -> list[str]:
    default = Settings.__dataclass_fields__["picture_weight"].default
    if settings.continue_from is not None and settings.picture_weight != default:
        return ["--picture-weight is of no effect: a piece that goes on keeps to the bars that it goes on from"]
    return []


def _tells_kinds(emotion_model: str) -> bool:
    return emotion_model in ("klangbild", "features") or (Path(emotion_model) / "emotion.npz").is_file()


def _told_of_the_emotion(settings: Settings) -> list[str]:
    lines = []
    both = settings.valence is not None and settings.arousal is not None
    feelings = writes_notes(settings) and settings.text is not None and _says_feelings(settings.text)
    if feelings and (both or settings.path):
        by = "--gaze says" if settings.gaze else "--path says" if settings.path else "--valence and --arousal say"
        lines.append(f"the feelings in --text are of no effect on the music: {by} what it is asked for")
    if settings.conditioning == "none":
        for name in ("valence", "arousal"):
            if getattr(settings, name) is not None:
                lines.append(f"{flag_of(name)} is not told to the model: --conditioning none")
        if feelings:
            lines.append("the feelings in --text are not told to the model: --conditioning none")
    return lines


def _says_feelings(text: str) -> bool:
    from klangbild.music.words import read_text

    return bool(read_text(text).feelings.matches)


def _told_of_the_piece(settings: Settings, output: EngineOutput) -> list[str]:
    """What the finished piece lacks of what was asked: lengths in bars and tokens are known only now."""
    from klangbild.music.describe import main_tempo

    piece: Any = output.piece
    lines = []
    if settings.continue_from is not None and settings.key and Key.parse(settings.key) != piece.key:
        name = Path(settings.continue_from).name
        lines.append(f"--key {settings.key}: the new bars are in it; those of {name} stay in {piece.key}")
    if settings.path is not None:
        late = [seconds for seconds, _ in EmotionPath.parse(settings.path).points if seconds > piece.seconds]
        if late and late[-1] > (settings.length_seconds or 0.0):
            points = ", ".join(f"{seconds:g} s" for seconds in late)
            lines.append(f"--path: what it says of {points} is not reached: the piece is {piece.seconds:.1f} s long")
    if settings.seconds is not None and settings.continue_from is None:
        (_, numerator, denominator), bpm = piece.meters[-1], main_tempo(piece)
        bar_s = 4.0 * numerator / denominator * 60.0 / bpm
        if abs(piece.seconds - settings.seconds) > bar_s / 2 + 0.05:
            lines.append(
                f"--seconds {settings.seconds:g}: the piece is {piece.seconds:.1f} s long; a bar takes {bar_s:.1f} s"
            )
    if settings.hits is not None:
        from klangbild.music.hits import parse_hits, told_of_hits

        lines += told_of_hits(piece, parse_hits(settings.hits), asked_bpm=settings.tempo)
    missing = [name for name in settings.instruments or () if name not in piece.families]
    if missing:
        lines.append(
            f"--instruments: {', '.join(missing)} found no place; a longer piece or another seed may have them"
        )
    if len(piece.families) < settings.min_instruments:
        lines.append(
            f"--min-instruments {settings.min_instruments}: only {len(piece.families)} found a place; give a longer piece"
        )
    return lines
