"""Fixtures, builders and programs that tests share."""
