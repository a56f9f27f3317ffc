"""The clean-up after a destroyed stack: the command, its plan, what blocks it, the deletion."""
