"""MIDI of many sets to labelled sections for training. Start at `prepare.py`."""
