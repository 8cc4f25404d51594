"""Many pictures at once: a journal of what is done, and processes that share the work."""
