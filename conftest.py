"""The fixtures that tests of every folder may ask for."""

pytest_plugins = ["embedded_aws.tests.support.fixtures", "tests.support.fixtures"]
