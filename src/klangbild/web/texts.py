"""Every word that the page says, in one place, ready to be translated. Help of the settings comes from `settings.py`."""

from __future__ import annotations

TITLE = "klangbild"
CLAIM = "A picture goes in. Music that fits it comes out."

LABELS = {
    "text": "Words",
    "seconds": "Length in seconds",
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
    "words_help": "Optional: they join the picture, or stand alone.",
    "words_example": "early morning, hopeful",
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
    "recipe": "Make it again elsewhere",
    "history": "This session",
    "about": "About",
    "alt": "Picture in words (alt text)",
    "alt_help": "For people who cannot see it; kept with the result. We made a first try from its colors.",
}

FILE_WORDS: dict[str, tuple[str, str]] = {}
"""{format: (title, what it is)} in another language; in English they stand in `formats/table.py`."""
