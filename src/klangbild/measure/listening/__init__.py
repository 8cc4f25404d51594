"""Listening tests with people: the plan, the page, the answers and what they say. Start at `plan.py`."""
