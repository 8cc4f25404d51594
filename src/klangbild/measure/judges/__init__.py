"""Judges of notes and of sound, fitted on real music, that other scores lean on. Start at `judge.py`."""
