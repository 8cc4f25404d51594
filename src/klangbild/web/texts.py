"""Every word that the page says of itself, in English. What each is in the other languages stands in `languages/` (see `catalogue.py`)."""

from __future__ import annotations

TITLE = "klangbild"
CLAIM = "A picture goes in. Music that fits it comes out."

LABELS = {
    "text": "Words",
    "seconds": "Length in seconds",
    "exact": "Length to the sample",
    "loop": "Loop without a seam",
    "bars": "Length in bars",
    "gen_len": "Generation length in tokens",
    "top_p": "Top-p",
    "top_k": "Top-k",
    "min_instruments": "Minimum instruments",
    "instruments": "Instruments that play",
    "without": "Instruments left out",
    "conditioning": "Conditioning type",
    "negative": "Words to keep away from",
    "soundfont": "SoundFont",
    "path": "Emotions over time",
    "drafts": "Further drafts at most",
    "hits": "Downbeats at seconds",
    "continue_from": "Go on from a MIDI file",
    "emotion_model": "Who reads the picture",
    "kind": "What the picture is",
    "commercial": "Commercial use",
    "steps": "Denoising steps",
    "tempo": "Tempo in beats per minute",
    "loudness": "Loudness in LUFS",
    "image_tokens": "Picture tokens",
}

CONDITIONING_WORDS = {
    "continuous_concat": "continuous_concat: the mood goes along with every single note (recommended)",
    "continuous_token": "continuous_token: the mood stands once, as numbers, before the first note",
    "discrete_token": "discrete_token: the mood stands once, as one of five steps, before the first note",
    "none": "none: the mood is not told to the model at all",
}

ABOUT_HOW = (
    "A small model reads the mood of your picture: how pleasant it is (valence) and how excited (arousal).",
    "A second model, trained on band scores and piano pieces, writes notes for that mood, bar by bar.",
    "A SoundFont plays the notes. All of it happens on the machine that shows you this page; nothing is sent elsewhere.",
)
ABOUT_CAN = (
    "It can: make short instrumental pieces whose tempo, key and density follow the mood, hold every wish you set "
    "(instruments, key, tempo, meter, length), and make the same piece again from its seed."
)
ABOUT_CANNOT = (
    "It cannot: sing, imitate a composer, recognise what a picture means to you, or replace a musician. People disagree "
    "about the mood of a picture, and so does the model: the shaded ellipse on the pad shows by how much. "
    "All music made here is AI generated, and says so inside each file."
)
ABOUT_LICENCES = (
    "Code: MIT. The note model: CC BY-NC-SA 4.0, because part of its training data is; read LICENSES.md before you use "
    "its music commercially. The example pictures were painted for this project by its own program."
)

PAGE = {
    "skip": "Skip to the picture",
    "picture": "Your picture",
    "drop": "Drop a picture here, paste one, or",
    "choose": "choose a file",
    "limits": "At most 100 MB, 100 megapixels. It stays on this machine.",
    "url": "or the address of a picture",
    "fetch": "Fetch it",
    "examples": "Or try one of ours: it plays at once",
    "words_help": "Optional: they join the picture, or stand alone. Feelings, instruments, tempo, key, meter and style are heard, and what is to be left out (“no drums”), in English, German, French, Spanish and Italian. What is set below by hand goes before.",
    "words_example": "early morning, hopeful, slow piano",
    "make": "Make music",
    "stop": "Stop and keep",
    "music": "Music",
    "advanced": "Advanced",
    "reset": "Back to the defaults",
    "preset_save": "Save these settings",
    "preset_load": "Load settings",
    "see": "What we see",
    "see_empty": "Give a picture or words, and the mood that was read appears here. You can then move it.",
    "pad_help": "Drag the point, or use the arrow keys (with Shift: larger steps; Home: back to what was predicted).",
    "pad_reset": "Back to what was predicted",
    "pad_make": "Make music with this mood",
    "because": "Why",
    "palette": "Colors of the picture",
    "result": "Result",
    "result_empty": "Nothing yet. A piece of 30 seconds takes a few seconds to write.",
    "again": "Again with this seed",
    "another": "Another one",
    "downloads": "Keep it",
    "reproduce": "Make it again elsewhere",
    "history": "This session",
    "about": "About",
    "alt": "Picture in words (alt text)",
    "alt_help": "For people who cannot see it; kept with the result. We made a first try from its colors.",
    "theme": "Colors: as the system",
    "wishes": "Wishes",
    "valence": "Valence",
    "valence_help": "-1 unpleasant, 1 pleasant",
    "arousal": "Arousal",
    "arousal_help": "-1 calm, 1 excited",
    "progress": "Progress of the music",
    "roll": "Piano roll",
    "understood": "What was understood of the words",
    "command": "Command line",
    "copy": "Copy",
    "generated": "AI generated music",
    "rest": "The REST API",
    "example": "Play the example {title}",
    "slider": "{label}, slider",
    "auto": "auto",
    "not_installed": "{name} (not installed)",
    "range": "{low} to {high}",
    "default": "default {value}",
    "language": "Language",
}

# what the scripts in `static/` say; they fill in what stands in braces
SCRIPT = {
    "unreachable": "The server cannot be reached; is it still running?",
    "answered": "The server answered {status}; try again.",
    "lost": "The connection to the server was lost; the piece may still be found under This session.",
    "your_picture": "Your picture",
    "drop_another": "Drop or paste another, or",
    "rated": (
        "People would rate it valence {valence}, arousal {arousal} ({name}). "
        "The pad shows where music of that mood lies; its dashed ellipse holds four in five opinions."
    ),
    "no_reasons": "nothing stands out; the reading is close to the average",
    "by_hand": "{mood}, as you put it",
    "make": PAGE["make"],
    "stop": PAGE["stop"],
    "starting": "Starting",
    "nothing_given": "Give a picture first, or a few words.",
    "stopping": "Coming to a stop",
    "in_line": "You are number {place} in line",
    "your_turn": "It is your turn",
    "step": "{step}: {percent} %",
    "nothing_kept": "Stopped before the first bar was written; nothing was kept.",
    "kept": "Stopped and kept: {words} Press play to hear it.",
    "ready": "Your music is ready: {words} Press play to hear it.",
    "press_play": "Press play to hear it.",
    "plays": "{title} plays: {words}",
    "defaults": "All settings are back to their defaults.",
    "loaded": "The settings were loaded.",
    "theme_system": PAGE["theme"],
    "theme_light": "Colors: light",
    "theme_dark": "Colors: dark",
    "copy": PAGE["copy"],
    "copied": "Copied",
    "selected": "Selected",
    "fact_length": "length",
    "fact_tempo": "tempo",
    "fact_key": "key",
    "fact_meter": "meter",
    "fact_instruments": "instruments",
    "fact_mood": "mood asked",
    "fact_sounds": "mood heard",
    "sounds_like": "where our judges hear the music",
    "fact_loudness": "loudness",
    "fact_model": "model",
    "fact_seed": "seed",
    "bpm": "{tempo} bpm",
    "lufs": "{lufs} LUFS",
    "words": "words",
    "heard": "Heard: {words}",
    "avoided": "Kept away from: {words}",
    "play": "Play {name}",
    "its_picture": "The picture this music was made from",
    "stopped_early": "{title} (stopped early and kept)",
    "again_with": "Again with seed {seed}",
    "title_and_seed": "{title}, seed {seed}",
    "show": "Show",
    "show_piece": "Show {name}",
    "compare": "Compare",
    "compare_with": "Compare with {name}",
    "side_by_side": "Side by side: on the page, and the one chosen",
    "the_chosen": "The one chosen",
    "differs": "What differs",
    "auto": PAGE["auto"],
    "excited": "excited",
    "calm": "calm",
    "pleasant": "pleasant",
    "unpleasant": "unpleasant",
    "minus": "minus {number}",
    "plus": "plus {number}",
    "mood_slider": "Mood: valence and arousal",
    "mood_spoken": "valence {valence}, arousal {arousal}: {name}",
    "roll_of": "Piano roll: {words}",
    "roll_so_far": "Piano roll: {notes} notes so far for {names}",
    "nobody": "nobody yet",
    "bar": "bar",
    "and": "and",
    "or": "or",
}

# what a run is at, told on the page and by REST
STEPS = {
    "waiting": "waiting",
    "models": "waiting for the models",
    "anew": "begun anew",
    "picture": "reading the picture",
    "words": "reading the words",
    "notes": "writing notes",
    "sound": "making sound",
    "playing": "playing the notes",
    "sound_file": "writing the sound file",
    "files": "writing the other files",
    "ready": "ready",
    "taken_out": "taken out of the line",
    "nothing_kept": "stopped before the first bar; nothing was kept",
    "ended": "ended",
}

HELP = {
    "model": "which model makes the music; default: the one that ships",
    "exact": "the sound lasts exactly as many seconds as are asked for; the tempo moves by 3 % at most for it",
    "instruments": "only these play, and each of them is heard",
    "without": "these do not play",
    "hits": "a downbeat with an accent at each of these seconds, like '12, 41.5'; the tempo moves by 3 % at most for it",
    "soundfont": "the SoundFont that plays the notes; default: TimGM6mb",
}
"""{setting: what it does} where `settings.py` speaks of the command line."""
