"""What the sound systems of others share: folders, weights, solvers, codec. Start at `engine.py`."""
