"""Notes to sound, mixed, levelled and written to files. Start at `synth.py`."""
