"""Training the roll's codec, base, projection and synapse. Start at `train.py`."""
