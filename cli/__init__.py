"""How every command behaves: clients, errors, polling, tables on a terminal."""

import sys
from importlib.util import find_spec

if not find_spec("boto3"):
    sys.exit(f"error: boto3 is not installed for {sys.executable}; run: make setup && source .venv/bin/activate")
