"""Rated and unrated pictures, from folders and zips to arrays. Start at `pictures_prepare.py`."""
