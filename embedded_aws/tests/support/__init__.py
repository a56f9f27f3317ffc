"""What the tests of the embedded AWS share."""
