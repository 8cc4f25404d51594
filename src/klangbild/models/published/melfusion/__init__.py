"""MeLFusion: a picture's diffusion features into Tango's, through the synapse. Start at `pipeline.py`."""
