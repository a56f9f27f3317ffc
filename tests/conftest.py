"""Fixtures every tier shares."""

import sys
from pathlib import Path

# Lambda assets are hashed by content: a test run must not leave bytecode in them.
sys.dont_write_bytecode = True

PROJECT = Path(__file__).resolve().parent.parent
