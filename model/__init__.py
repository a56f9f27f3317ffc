"""The data model: keys, names, times, limits. Standard library only."""
