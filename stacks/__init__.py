"""The infrastructure. One construct a file; the stack only wires."""
