"""What a person runs against a deployed stack, and after it is destroyed."""
