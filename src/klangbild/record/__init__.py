"""What a piece is and how to make it again: all that it depends on, typed, and where that travels. Start at `facts.py`."""
