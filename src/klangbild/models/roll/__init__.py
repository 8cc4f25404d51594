"""Our sound model: a latent piano roll by flow matching, from words and picture. Start at `engine.py`."""
