"""How the Messages table is read and written after the deployment."""

import cli  # noqa: F401 (reports in one line that packages are missing)
