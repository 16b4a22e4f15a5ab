"""The panel of a memory graph: picture and table, empty, circular, long and refused values."""

import re

from finetune.tasks.observer_entities import TASK
from tests.tasks.test_observer_entities_task import GRAPH, ONE, ROW
from ui import panels


def test_the_picture_and_the_table_tell_the_same_facts_in_words():
    shown = panels.result(TASK, GRAPH)
    assert "<title>Graph of 2 entities and 2 relationships</title>" in shown
    assert "<desc>User has sibling Ida (now); Ida works at Volta (now). Entities: Ida (Person)" in shown
    picture, table = shown.split("</svg>")
    for text in ("User", "has sibling · now", "Ida", "● Person", "works at · now", "Volta", "■ Organization"):
        assert f">{text}</text>" in picture
    assert "<td>works at</td>" in table and "<small>Organization</small>" in table and table.count("<td>now</td>") == 2


def test_a_graph_with_nothing_in_it_says_so_in_a_sentence():
    shown = panels.result(TASK, TASK.parse('{"entities":[],"relationships":[]}'))
    assert "Nothing to remember" in shown and "<svg" not in shown


def test_a_circle_a_lone_entity_and_markup_are_drawn_as_what_they_are():
    value = TASK.parse(
        '{"entities":[[1,"<b>Ida</b>","Person"],[2,"May","Temporal"]],'
        '"relationships":[[1,"FRIEND_OF",0,"completed"],[0,"RELATED_TO",1,"future"],[1,"COLLEAGUE_OF",1,"ongoing"]]}'
    )
    shown = panels.result(TASK, value)
    assert "<b>" not in shown and "&lt;b&gt;Ida" in shown
    assert shown.count(">see above</text>") == 2  # back to the user, and Ida to herself
    assert "◔ Temporal" in shown and "<td>–</td>" in shown


def test_a_long_name_and_a_deep_chain_stay_inside_the_picture():
    names = [f"Person number {n} with a very long name indeed" for n in range(12)]
    ties = [(a, b) for a, b in zip(["User", *names], names, strict=False)]
    value = {
        "entities": [{"name": name, "type": "Person", "attributes": {}} for name in names],
        "relationships": [
            {"subject": a, "predicate": "FRIEND_OF", "object": b, "temporal": "ongoing"} for a, b in ties
        ],
    }
    boxes = re.findall(r'<rect x="(\d+)" y="\d+" width="(\d+)"', panels.result(TASK, value))
    assert len(boxes) == 13 and all(int(x) + int(width) <= 340 and int(width) > 60 for x, width in boxes)


def test_a_broken_answer_is_shown_as_refused_with_the_reason():
    scored = TASK.score(ROW, ONE % '[1,"ADORES",0,"ongoing"]')
    assert scored.value is None and not scored.correct
    assert "ADORES" in panels.refused(scored.problem or "")
