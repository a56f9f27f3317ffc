"""``ops review``: what a stage's templates mean, and what a change of them does."""
