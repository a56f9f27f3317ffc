"""How a review shows where two values of a template differ."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ops.review.differences import differences
from ops.review.spelling import spelled


def shown(old, new) -> list[str]:
    return list(differences("P", old, new))


def replica(region, **more) -> dict:
    return {"Region": region, **more}


def test_an_added_and_a_removed_element_of_a_named_list_are_a_line_each():
    one, other = replica("eu-west-1"), replica("us-east-1", DeletionProtectionEnabled=True)
    assert shown([one], [one, other]) == ["+ P[us-east-1]: DeletionProtectionEnabled true"]
    assert shown([one, other], [one]) == ["- P[us-east-1]: DeletionProtectionEnabled true"]


def test_elements_with_a_name_are_compared_whatever_their_order():
    rules = [{"RuleName": "daily", "Days": 7}, {"RuleName": "monthly", "Days": 365}]
    longer = [rules[1], {"RuleName": "daily", "Days": 14}]
    assert shown(rules, longer) == ["P[daily].Days: 7 → 14"]


def test_of_a_large_new_element_the_first_values_are_shown_and_the_rest_counted():
    index = {"IndexName": "ByDate", **{f"Value{number}": number for number in range(9)}}
    (line,) = shown([{"IndexName": "ByUser"}], [{"IndexName": "ByUser"}, index])
    assert line.startswith("+ P[ByDate]: Value0 0, Value1 1, ")
    assert line.endswith("and 3 more")


def test_a_name_that_two_elements_have_is_no_name():
    old = [{"Key": "a", "X": 1}, {"Key": "a", "X": 2}]
    assert shown(old, [*old, {"Key": "a", "X": 3}]) == ["+ P: {Key: a, X: 3}"]


def test_elements_without_a_name_are_paired_as_equals_then_by_place():
    assert shown(["a", "b", "c"], ["a", "c"]) == ["- P: b"]
    assert shown(["a", "b"], ["a", "x"]) == ["P[1]: b → x"]
    assert shown(["a", "b"], ["b", "a"]) == ["P: in another order"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("same " * 30 + "old", "same " * 30 + "new"),
        ("same " * 30, "same " * 30 + "end"),
        ("old" + " same" * 30, "new" + " same" * 30),
        ("x" * 200 + "a" + "y" * 200, "x" * 200 + "b" + "y" * 200),
        ({"Ref": "TableAAAAAAA1"}, {"Ref": "TableAAAAAAA2"}),
        ("5", 5),
    ],
)
def test_the_two_sides_never_look_the_same(old, new):
    (line,) = shown(old, new)
    was, now = line.removeprefix("P: ").split(" → ")
    assert was != now
    assert len(line) < 150


def test_of_long_values_the_part_that_differs_is_shown():
    (line,) = shown("same " * 30 + "old", "same " * 30 + "new")
    assert line == "P: ...same same old → ...same same new"


texts = st.text("ab ", max_size=12).map(lambda text: text * 9) | st.text("ab", max_size=99)


@given(texts, texts)
def test_no_two_texts_look_the_same(old, new):
    assume(" ".join(old.split()) != " ".join(new.split()))
    (line,) = shown(old, new)
    was, now = line.removeprefix("P: ").split(" → ")
    assert was != now


def test_long_names_that_begin_alike_are_told_apart():
    old, new = ([{"Key": "arn:" * 30 + end}] for end in "ab")
    gone, come = shown(old, [*old, *new, {"Key": "c"}])
    assert gone.endswith("arn:b]")
    assert come == "+ P[c]"


def test_a_value_is_spelled_as_in_a_template():
    assert spelled(True) == "true"
    assert spelled({"A": True, "B": {"Ref": "AWS::Region"}}) == "{A: true, B: <region>}"
