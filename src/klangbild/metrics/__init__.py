"""One score a file, pure functions of arrays or pieces. Start at `intervals.py`, which all of them share."""
