"""What this stack needs of AWS and the engine lacks, one module per AWS service."""


def install() -> None:
    """Add everything to the engine, once, before it serves its first request."""
