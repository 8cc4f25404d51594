"""What is measured of the sound model alone: fit, genres, ablations. Start at `fit.py`."""
