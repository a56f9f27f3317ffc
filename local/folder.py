"""The folder of the embedded AWS that `make up` and `make demo` start."""

from embedded_aws.environment import PROJECT

STATE_DIR = PROJECT / ".local"
