"""Recovery in place: what differs from a backup, and how the live table gets it back."""
