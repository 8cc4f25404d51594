"""ImageBind's towers for pictures, sound and words. Start at `model.py`."""
