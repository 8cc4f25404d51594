"""MIDI to ARIA's training chunks. Start at `prepare.py`."""
