"""The weights that ship, each with its card (.json). Start at `klangbild/shipped.py`."""
