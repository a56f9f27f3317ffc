"""The embedded AWS: ministack as a child process, with additions that this stack needs."""
