"""The one loop that every model is trained by, with its checkpoints. Start at `loop.py`."""
