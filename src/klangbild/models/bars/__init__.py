"""Our notes model: music bar by bar, several instruments, steered by emotion. Start at `engine.py`."""
