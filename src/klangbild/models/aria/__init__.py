"""ARIA and midi-emotion as published: note events, steered by emotion. Start at `engine.py`."""
