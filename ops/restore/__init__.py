"""Restores: where from, where to, how they run, and how a copy is compared."""
