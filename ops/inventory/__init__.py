"""What is left of a stack, deployed or destroyed, and what it costs."""
