"""Studies that put scores together: steering, fit, parity, listening. Start at `report.py`."""
