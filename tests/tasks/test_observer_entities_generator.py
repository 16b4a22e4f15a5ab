"""The example conversations and their graphs: deterministic, told in the message, no leak between splits."""

import json
import re
from collections import Counter

import pytest

from finetune import examples
from finetune.generators import observer_entities
from finetune.generators.observer_entities import words
from finetune.generators.observer_entities.speech import About, clause, joined
from finetune.outputs.observer_grammar import ENTITIES, NAME, TIES
from finetune.outputs.observer_vocabulary import OTHER, PREDICATES, TIMES, TYPES
from finetune.rows import data
from finetune.scoring import baselines
from finetune.tasks.observer_entities import TASK

PAIRS = [("train", "val"), ("train", "test"), ("val", "test")]
#: slots and signs of the wordings
SIGNS = re.compile(r"\{[\w-]+\}|[\[\]|<>]")
#: people are wives and mothers in every split: kinship has few words
CLOSED = ("wife", "husband", "mother", "father", "great-aunt", "coworker")


@pytest.fixture(scope="module")
def rows():
    return {split: list(observer_entities.rows(split, 0)) for split in observer_entities.ROWS}


def every(rows):
    return [(row, json.loads(row["extraction"])) for found in rows.values() for row in found]


def figure(rows, name):
    answer = baselines.fit(TASK, name, rows["train"])
    scored = [TASK.score(row, answer(row)) for row in rows["test"]]
    return {m.key: m.compute(scored) for m in TASK.metrics if m.compute}


def test_a_seed_gives_the_same_rows_and_another_seed_others(rows):
    assert list(observer_entities.rows("val", 0)) == rows["val"]
    assert list(observer_entities.rows("val", 1)) != rows["val"]


def test_the_files_that_ship_are_these_rows(rows):
    for split, expected in rows.items():
        assert data.read_jsonl(examples.path_of("observer_entities", split)) == expected


def test_sizes_and_a_tenth_of_the_messages_tell_nothing(rows):
    assert {split: len(found) for split, found in rows.items()} == {"train": 2600, "val": 60, "test": 200}
    shares = Counter(row["shape"] for row in rows["train"])
    assert 0.06 < shares["nothing"] / 2600 < 0.16
    for row, graph in every(rows):
        assert (row["shape"] == "nothing") == (not graph["entities"]), row


def test_every_row_is_clean_and_its_answer_is_read_as_the_same_graph(rows):
    for row, graph in every(rows):
        assert TASK.clean(row) == row and TASK.unfit(row) is None
        assert TASK.parse(TASK.answer_of(row)) == graph
        assert len(graph["entities"]) <= ENTITIES and len(graph["relationships"]) <= TIES


def test_every_name_stands_in_the_message_in_this_order_and_every_tie_leads_to_a_listed_thing(rows):
    for row, graph in every(rows):
        names = [entity["name"] for entity in graph["entities"]]
        places = [re.search(rf"(?<!\w){re.escape(name)}(?!\w)", row["user_message"]) for name in names]
        starts = [found.start() for found in places if found]
        assert len(starts) == len(names) and starts == sorted(set(starts)), row
        assert max(map(len, names), default=0) <= NAME
        # everyone and everything that is listed is what one tie leads to, from the user or from another one of them
        assert sorted(tie["object"] for tie in graph["relationships"]) == sorted(names), row
        assert {tie["subject"] for tie in graph["relationships"]} <= {"User", *names}


def test_a_kind_of_relationship_leads_to_its_kind_of_thing(rows):
    kinds: dict[str, set[str]] = {}
    for _, graph in every(rows):
        types = {entity["name"]: entity["type"] for entity in graph["entities"]}
        for tie in graph["relationships"]:
            kinds.setdefault(tie["predicate"], set()).add(types[tie["object"]])
    assert {predicate: found for predicate, found in kinds.items() if len(found) > 1} == {}
    assert kinds["WORKS_AT"] == {"Organization"} and kinds["FRIEND_OF"] == {"Person"} and kinds["MOVED_TO"] == {"Place"}


def test_train_and_test_have_all_types_all_predicates_and_all_times(rows):
    for split in ("train", "test"):
        found = [json.loads(row["extraction"]) for row in rows[split]]
        assert {entity["type"] for graph in found for entity in graph["entities"]} == set(TYPES)
        assert {tie["temporal"] for graph in found for tie in graph["relationships"]} == set(TIMES)
        counts = Counter(tie["predicate"] for graph in found for tie in graph["relationships"])
        assert set(counts) == set(PREDICATES) and counts.most_common(1)[0][1] < 0.12 * counts.total()
        assert OTHER in counts


def test_no_trace_of_a_wordings_signs_is_left_in_a_row(rows):
    for row, _ in every(rows):
        for text in (row["user_message"], row["assistant_message"]):
            assert not re.search(r"[{}\[\]|<>]|\s{2}|\s[.,?!]|[?!]\.|\A\s|\s\Z|\ba [aeiou]", text), row


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_splits_share_no_message_no_wording_and_no_word(rows, one, other):
    def wordings(split):
        lines = [line for found in (words.facts(split), words.kinds(split)) for pool in found.values() for line in pool]
        return {" ".join(SIGNS.sub(" ", line).casefold().split()) for line in lines}

    def things(split):
        return {words.bare(word).casefold() for pool in words.pools(split).values() for word in pool}

    def kin(split):
        return {word for pool in words.kin(split).values() for word in pool}

    first, second = ({row["user_message"].casefold() for row in rows[split]} for split in (one, other))
    assert not first & second
    assert not things(one) & things(other)
    assert kin(one) & kin(other) <= set(CLOSED)
    # what holds slots only, such as "my {kin} {who}", says nothing
    shared = wordings(one) & wordings(other)
    assert shared <= {"", "( )", "is", "- -", ", ,"}, shared


def test_parroting_and_an_empty_graph_find_nothing(rows):
    assert max(figure(rows, "nearest").values()) < 0.1
    assert max(figure(rows, "empty").values()) == 0.0


def test_no_message_comes_twice_and_messages_are_varied(rows):
    for found in rows.values():
        assert len({row["user_message"].casefold() for row in found}) == len(found)
    things = [
        bare for row, graph in every(rows) for bare in (entity["name"].casefold() for entity in graph["entities"])
    ]
    assert len(set(things)) > 500


# One clause.


@pytest.mark.parametrize(
    ("wording", "about", "said"),
    [
        ("{I} <'m|is> at {1}", About("me"), "I'm at a bank"),
        ("{I} <'m|is> at {1}", About("woman", "my aunt Eva"), "my aunt Eva is at a bank"),
        ("{I} <'m|is> at {1}", About("man"), "he is at a bank"),
        ("{my} firm is {1}, {I2} <like|likes> it", About("woman", "Eva"), "Eva's firm is a bank, she likes it"),
        ("{1} hired {me}", About("man", "Tom"), "a bank hired Tom"),
        ("{I} got {me}self a {1-}", About("woman", "Eva"), "Eva got herself a bank"),
        ("{I} <have|has> a {2}", About("me"), "I have an oven"),
    ],
)
def test_a_wording_is_said_of_the_user_and_of_others(wording, about, said):
    assert clause(wording, about, {"1": "a bank", "1-": "bank", "2": "oven"}) == said


def test_clauses_are_sentences_and_go_on_after_a_comma():
    assert joined(["so,", "my day is full", "any tips?"]) == "So, my day is full. Any tips?"
