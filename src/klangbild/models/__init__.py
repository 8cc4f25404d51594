"""A model is a folder; `registry.py` is the one table of them. Start there."""
