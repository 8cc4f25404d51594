"""Training our notes model, its graphs and its held-out numbers. Start at `train.py`."""
