"""What the lock files bring in: that it is pinned, under which licence, with which advisories."""
