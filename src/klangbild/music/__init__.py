"""Pieces of notes: reading, writing and describing them. Start at `piece.py`."""
