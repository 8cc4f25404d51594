"""Pairs of pictures and tracks by ImageBind. Start at `pairing.py`."""
