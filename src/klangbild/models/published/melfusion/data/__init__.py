"""Triplets of picture, words and sound. Start at `triplets.py`."""
