"""The training that Art2Mus and MeLFusion share. Start at `loop.py`."""
