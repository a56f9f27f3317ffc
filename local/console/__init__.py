"""An AWS-console-like page on the embedded AWS: StackPort, on loopback and on its own."""
