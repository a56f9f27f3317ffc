"""Shared by the tests of the embedded AWS."""
