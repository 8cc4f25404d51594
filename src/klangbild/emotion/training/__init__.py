"""How the picture's encoder and the emotion heads are fitted and scored. Start at `train_heads.py`."""
