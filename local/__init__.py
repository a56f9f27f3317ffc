"""The embedded AWS: ministack as a child process, with what this stack needs added to it."""
