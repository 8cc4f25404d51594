"""Clips of played music, their captions, and pictures that fit them. Start at `prepare.py`."""
