"""Art2Mus: a picture's ImageBind vector into AudioLDM 2. Start at `pipeline.py`."""
