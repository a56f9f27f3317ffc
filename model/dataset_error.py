"""What is wrong with a dataset. Standard library only: the functions that load one import it."""


class DatasetError(Exception):
    """A dataset is wrong; another try would end the same way. The text names the line.

    ``line`` counts from 1, and is None where no single line is wrong.
    """

    def __init__(self, problem: object, line: int | None = None) -> None:
        super().__init__(f"line {line}: {problem}" if line else str(problem))
        self.problem, self.line = str(problem), line


def repeated(line: int, earlier: int) -> DatasetError:
    """The error for ``line`` that has the key of an ``earlier`` one: one would be lost."""
    return DatasetError(
        f"is another message of the same users and time as line {earlier}; "
        "give one of them an 'id' of its own, or remove one",
        line,
    )
