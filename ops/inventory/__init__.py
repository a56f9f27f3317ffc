"""What there is of a stack, deployed or left over, and what it costs."""
