"""Measurements: ratios of several ways to do the same, taken side by side."""
