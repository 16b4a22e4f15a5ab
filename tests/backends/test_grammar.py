import pytest

from backends import grammar
from backends.base import Constraint
from backends.errors import BadInput

SCHEMA = {
    "type": "object",
    "properties": {"label": {"enum": ["a", "b"]}, "score": {"type": "integer", "minimum": 1, "maximum": 10}},
    "required": ["label", "score"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "constraint",
    [
        Constraint("lark", 'start: "a" /[/'),
        Constraint("lark", "start: nowhere"),
        Constraint("lark", ""),
        Constraint("choices", []),
        Constraint("json_schema", {"type": "integer", "minimum": 5, "maximum": 2}),
        Constraint("json_schema", {"type": "array", "items": {"enum": ["a"]}, "uniqueItems": True}),
        Constraint("json_schema", {"allOf": [{"type": "string"}, {"type": "number"}]}),
        Constraint("json_schema", {"$ref": "#/nowhere"}),
        Constraint("json_schema", False),
    ],
    ids=lambda constraint: f"{constraint.kind} {constraint.value}"[:40],
)
def test_what_llama_cpp_would_drop_in_silence_is_refused_beforehand(constraint: Constraint) -> None:
    with pytest.raises(BadInput, match="constraint"):
        grammar.check(constraint)


def test_a_constraint_of_a_megabyte_is_refused() -> None:
    with pytest.raises(BadInput, match="characters"):
        grammar.check(Constraint("choices", ["x" * 1_000_000]))


def test_beginnings_are_allowed_and_what_leaves_the_form_is_not() -> None:
    lark = grammar.check(Constraint("lark", 'start: "é" /[0-9]{1,3}/'))
    assert grammar.allows(lark, "") and grammar.allows(lark, "é1") and grammar.allows(lark, "é123")
    assert not grammar.allows(lark, "é1234") and not grammar.allows(lark, "1")


@pytest.mark.parametrize("choice", ['a "quoted" one', "é😀", "two\nlines", "back\\slash"])
def test_a_choice_is_taken_letter_by_letter(choice: str) -> None:
    lark = grammar.check(Constraint("choices", [choice, "other"]))
    assert grammar.allows(lark, choice) and grammar.allows(lark, "other")
    assert not grammar.allows(lark, choice + "!")


def test_the_simplest_text_has_the_form() -> None:
    for constraint in (Constraint("json_schema", SCHEMA), Constraint("lark", 'start: "x" /[a-z]{4}/ "."')):
        lark = grammar.check(constraint)
        text = grammar.simplest(lark, 200)
        assert grammar.allows(lark, text) and not grammar.allows(lark, text + "!")
