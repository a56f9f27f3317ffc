"""The app as a process, as the CDK CLI starts it, and the checks of what it makes."""
