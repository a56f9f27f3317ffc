"""The limits of pull requests' stages, and the context of their checkouts."""
