"""A file or array to a picture, and what is to be seen in it as numbers. Start at `load.py`."""
