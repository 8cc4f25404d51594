"""Training ARIA on notes, and back to its published form. Start at `train.py`."""
