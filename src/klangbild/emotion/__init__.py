"""What a picture feels like: valence and arousal, read by heads on the picture's numbers. Start at `read.py`."""
