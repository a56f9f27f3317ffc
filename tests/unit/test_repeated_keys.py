"""Two lines with one key are found, in whatever order and however many lie between them."""

from hypothesis import given
from hypothesis import strategies as st

from model.dataset import RepeatedKeys


def _first(keys: list[tuple[str, str]], most: int = 1) -> list[tuple[int, int]]:
    with RepeatedKeys() as repeated:
        for line, (pk, sk) in enumerate(keys, 1):
            repeated.add(line, pk, sk)
        return repeated.first(most)


def test_no_pair_where_every_key_is_different():
    assert _first([("a", "1"), ("a", "2"), ("b", "1")]) == []


def test_the_pair_whose_later_line_comes_first():
    assert _first([("a", "1"), ("b", "1"), ("b", "1"), ("a", "1")], most=9) == [(2, 3), (1, 4)]


def test_the_border_between_the_two_halves_of_a_key_counts():
    assert _first([("ab", "c"), ("a", "bc")]) == []


def test_every_line_with_the_key_of_an_earlier_one_counts():
    with RepeatedKeys() as repeated:
        for line, sk in enumerate("abacaab", 1):
            repeated.add(line, "p", sk)
        assert repeated.count() == 4


@given(st.lists(st.tuples(st.sampled_from("ab"), st.text(max_size=1)), max_size=12))
def test_the_same_as_with_all_keys_in_memory(keys):
    expected = []
    for key in set(keys):
        lines = [line for line, other in enumerate(keys, 1) if other == key]
        if len(lines) > 1:
            expected.append((lines[0], lines[-1]))
    assert _first(keys, most=99) == sorted(expected, key=lambda pair: pair[1])
