"""Editing: bars of a piece written anew, a piece varied, its players, key, tempo or mood changed, and the rest left event for event."""
