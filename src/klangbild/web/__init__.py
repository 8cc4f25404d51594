"""The page and the REST interface. Start at `app.py`."""
