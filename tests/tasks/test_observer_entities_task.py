"""What a conversation tells, as a graph: rows in, answers read, metrics by hand, what the task is for and the form."""

import json

import pytest

from backends import grammar
from backends.bases import tokenizer
from backends.catalog import EMBEDDED, base_named
from backends.errors import BadInput
from backends.settings import Settings
from finetune import task_named
from finetune.outputs.observer_grammar import LARK, NAME
from finetune.outputs.observer_vocabulary import PREDICATES, SYNONYMS, predicate_of
from finetune.task import Unreadable
from finetune.tasks.observer_entities import TASK

TURNS = "USER: My sister Ida works at Volta\nASSISTANT: How nice!"
GRAPH = {
    "entities": [
        {"name": "Ida", "type": "Person", "attributes": {}},
        {"name": "Volta", "type": "Organization", "attributes": {}},
    ],
    "relationships": [
        {"subject": "User", "predicate": "HAS_SIBLING", "object": "Ida", "temporal": "ongoing"},
        {"subject": "Ida", "predicate": "WORKS_AT", "object": "Volta", "temporal": "ongoing"},
    ],
}
SAID = {"user_message": "My sister Ida works at Volta", "assistant_message": "How nice!"}
ROW = {**SAID, "extraction": json.dumps(GRAPH)}
COMPACT = (
    '{"entities":[[1,"Ida","Person"],[2,"Volta","Organization"]],'
    '"relationships":[[1,"HAS_SIBLING",0,"ongoing"],[2,"WORKS_AT",1,"ongoing"]]}'
)
ONE = '{"entities":[[1,"Ida","Person"]],"relationships":[%s]}'


def figures(*pairs):
    """Metrics over (row, answer)."""
    scored = [TASK.score(row, answer) for row, answer in pairs]
    return {m.key: m.compute(scored) for m in TASK.metrics if m.compute}


# Rows in.


@pytest.mark.parametrize(
    "row",
    [
        ROW,
        {**SAID, "extraction": GRAPH},
        {**SAID, **GRAPH},
        {"instruction": "Extract entities ...", "input": TURNS, "output": json.dumps(GRAPH)},
        {
            "messages": [
                {"role": "system", "content": "You are an entity extraction assistant."},
                {"role": "user", "content": TURNS},
                {"role": "assistant", "content": json.dumps(GRAPH)},
            ]
        },
        {
            "text": f"<|im_start|>system\nExtract ..<|im_end|>\n<|im_start|>user\n{TURNS}<|im_end|>\n"
            f"<|im_start|>assistant\n{json.dumps(GRAPH)}<|im_end|>"
        },
    ],
    ids=["ours", "object", "raw", "instruction", "messages", "chatml"],
)
def test_every_row_shape_of_the_seed_becomes_the_same_clean_row(row):
    assert TASK.clean(row) == ROW


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ({"assistant_message": "a", "extraction": GRAPH}, "user_message"),
        ({**SAID, "assistant_message": " ", "extraction": GRAPH}, "assistant_message"),
        (SAID, "extraction"),
        ({**SAID, "extraction": "Ida works at Volta"}, "extraction"),
        ({**SAID, "extraction": "[" * 100_000}, "extraction"),
        ({**SAID, "extraction": {"entities": []}}, "extraction"),
        ({**SAID, "entities": [{"name": "Ida", "type": "Animal"}], "relationships": []}, "extraction"),
        ({**SAID, "entities": [{"name": "", "type": "Person"}], "relationships": []}, "extraction"),
        ({"input": "I moved", "output": "{}"}, "input"),
        ({"messages": [{"role": "user"}]}, "messages"),
        ({"text": "USER: a"}, "text"),
    ],
)
def test_an_unusable_row_names_its_column(row, column):
    with pytest.raises(BadInput, match=f"column {column}"):
        TASK.clean(row)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("PURCHASED", "BOUGHT"),
        ("is close to", "FRIEND_OF"),
        ("IS_CLOSE_TO", "FRIEND_OF"),
        ("Has-Relationship", "RELATED_TO"),
        ("WORKS_AT", "WORKS_AT"),
        ("SIBLING_OF", "HAS_SIBLING"),
        ("GLOWS_LIKE", "RELATED_TO"),
    ],
)
def test_near_synonyms_of_a_file_are_one_predicate_and_an_unknown_one_keeps_its_fact(written, meant):
    told = {"subject": "user", "predicate": written, "object": "Volta", "temporal": "Ongoing"}
    row = TASK.clean({**SAID, "entities": [], "relationships": [told, told]})
    found = json.loads(row["extraction"])
    assert [tie["predicate"] for tie in found["relationships"]] == [meant] == [predicate_of(written)]
    assert found["entities"] == [{"name": "Volta", "type": "Concept", "attributes": {}}]  # named in the tie only


def test_no_synonym_stands_for_two_predicates():
    assert len(SYNONYMS) == sum(1 + len(words) for words in PREDICATES.values())


def test_the_user_is_no_entity_and_is_number_0_in_the_answer():
    listed = [{"name": "User", "type": "Person", "attributes": {"age": "40"}}, *GRAPH["entities"]]
    row = TASK.clean({**SAID, "entities": listed, "relationships": GRAPH["relationships"]})
    assert row == ROW and TASK.answer_of(row) == COMPACT


# Answers.


@pytest.mark.parametrize("answer", [COMPACT, json.dumps(GRAPH), f" {COMPACT}\n"], ids=["compact", "seed", "spaces"])
def test_both_forms_are_read_as_the_same_graph(answer):
    assert TASK.parse(answer) == GRAPH


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "no JSON"),
        (COMPACT[:-3], "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", 'list "entities"'),
        ('{"entities":[]}', 'list "relationships"'),
        ('{"entities":[[1,"Ida","Robot"]],"relationships":[]}', "'Robot' is no entity type"),
        ('{"entities":[[2,"Ida","Person"]],"relationships":[]}', "entity 1 is not written"),
        ('{"entities":[[1," ","Person"]],"relationships":[]}', "entity 1 is not written"),
        (ONE % '[1,"ADORES",0,"ongoing"]', "'ADORES' is no predicate"),
        (ONE % '[1,"PURCHASED",0,"ongoing"]', "'PURCHASED' is no predicate"),
        (ONE % '[1,"FRIEND_OF",0,"always"]', "'always' is no time"),
        (ONE % '[2,"FRIEND_OF",0,"ongoing"]', "not .number, predicate"),
        (ONE % '[1,"FRIEND_OF",-1,"ongoing"]', "not .number, predicate"),
        (ONE % '["Ida","FRIEND_OF","User","ongoing"]', "not .number, predicate"),
        (json.dumps({**GRAPH, "entities": []}), "not among the entities"),
        (json.dumps(GRAPH).replace("WORKS_AT", "EMPLOYED_BY"), "'EMPLOYED_BY' is no predicate"),
        (json.dumps(GRAPH).replace('"temporal"', '"time"'), 'text "temporal"'),
    ],
)
def test_what_is_outside_the_schema_is_refused_by_name_and_never_mended(answer, why):
    with pytest.raises(Unreadable, match=why):
        TASK.parse(answer)


# Metrics.


def test_a_right_answer_scores_one_whatever_its_case_and_order():
    swapped = (
        '{"entities":[[1,"volta","Organization"],[2,"IDA","Person"]],'
        '"relationships":[[1,"WORKS_AT",2,"ongoing"],[2,"HAS_SIBLING",0,"ongoing"]]}'
    )
    assert TASK.score(ROW, swapped).correct
    assert set(figures((ROW, swapped)).values()) == {1.0}


def test_f1_by_hand():
    """Row 1: a type and a time wrong. Row 2 unreadable: its two entities and two ties are missed. Row 3: none asked."""
    first = COMPACT.replace("Organization", "Place").replace('1,"ongoing"]]', '1,"future"]]')
    nothing = {**SAID, "extraction": '{"entities": [], "relationships": []}'}
    found = figures((ROW, first), (ROW, "no idea"), (nothing, ONE % '[1,"FRIEND_OF",0,"ongoing"]'))
    assert found["entity_f1"] == pytest.approx(2 * 1 / (2 + 2 + 2 + 0 + 0 + 1))
    assert found["relationship_f1"] == pytest.approx(2 * 2 / (2 + 2 + 2 + 0 + 0 + 1))
    assert found["relationship_f1_temporal"] == pytest.approx(2 * 1 / (2 + 2 + 2 + 0 + 0 + 1))
    assert not TASK.score(ROW, first).correct


def test_an_empty_graph_is_right_where_nothing_is_told_and_wins_no_f1():
    nothing = {**SAID, "extraction": '{"entities": [], "relationships": []}'}
    empty = TASK.trivial[0].fit([])(ROW)
    assert TASK.score(nothing, empty).correct
    assert set(figures((ROW, empty), (nothing, empty)).values()) == {0.0}
    assert set(figures((nothing, empty)).values()) == {None}


# What the task is for, and the form.


@pytest.mark.parametrize(
    ("row", "said"),
    [({**SAID, "user_message": "x" * 4_000}, "4,009 characters"), ({**SAID, "user_message": "?!"}, "no word")],
)
def test_what_the_task_is_not_for_is_said_in_plain_words(row, said):
    assert said in (TASK.unfit(row) or "")


@pytest.mark.parametrize("sample", TASK.samples)
def test_samples_fit(sample):
    assert TASK.unfit(sample) is None and task_named("observer_entities") is TASK


@pytest.mark.parametrize(
    ("answer", "legal"),
    [
        (COMPACT, True),
        ('{"entities":[],"relationships":[]}', True),
        (ONE % "", True),
        (ONE.replace("Ida", "Zoë O'Neil-Brandt 3rd") % "", True),
        (ONE.replace("Ida", "x" * NAME) % "", True),
        (ONE.replace("Ida", "x" * (NAME + 1)) % "", False),
        (ONE.replace("Ida", " Ida") % "", False),
        (ONE.replace("Person", "Robot") % "", False),
        (ONE % '[1,"ADORES",0,"ongoing"]', False),
        (ONE % '[1,"PURCHASED",0,"ongoing"]', False),
        (ONE % '[1,"FRIEND_OF",0,"always"]', False),
        (ONE % '[2,"FRIEND_OF",0,"ongoing"]', False),
        (COMPACT + " ", False),
        ("Ida is a sister", False),
    ],
)
def test_the_form_takes_only_the_schema(answer, legal):
    assert grammar.allows(LARK, answer) is legal


@pytest.mark.model
def test_no_letter_of_a_name_takes_more_than_one_token(prepared_bases):
    tokens = tokenizer.load(Settings(data_dir=prepared_bases.parent), base_named(EMBEDDED))
    letters = [chr(code) for code in range(0xC0, 0x100) if chr(code) not in "×÷"]
    assert [letter for letter in letters if len(tokens.encode_text(f"x{letter}")) > 2] == []
