"""The clean-up: what it plans, what is in the way, how it deletes and what it says."""
