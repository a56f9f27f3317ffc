"""The options that the Node process of the CDK is started with."""

import pytest

from stacks import node


@pytest.mark.parametrize(("cores", "threads"), [(None, 1), (1, 1), (2, 1), (4, 3), (5, 4), (64, 4)])
def test_threads_leave_a_core_to_the_one_that_synthesizes(cores, threads):
    assert node.options("", cores).startswith(f"--v8-pool-size={threads} --require ")


def test_options_of_the_user_come_last_so_that_they_prevail():
    assert node.options("--v8-pool-size=3", 2).endswith('.cjs" --v8-pool-size=3')
    assert node.options("") == node.options("").strip()
