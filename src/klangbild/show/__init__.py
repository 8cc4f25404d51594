"""What is drawn of a piece: piano roll, spectrogram, the plane of emotion. Start at `canvas.py`."""
