"""Memory graphs: the seed's form (names, types, ties by name) as a value, and the compact form that a model writes."""

import json
from collections.abc import Iterable
from typing import Any

from finetune.outputs.observer_vocabulary import PREDICATES, TIMES, TYPES, predicate_of
from finetune.task import Unreadable

USER = "User"
EMPTY = '{"entities":[],"relationships":[]}'
Graph = dict[str, list[dict[str, Any]]]
TIE = ("subject", "predicate", "object", "temporal")


def key(name: str) -> str:
    """Two names that differ in case and spacing only are one."""
    return " ".join(name.split()).casefold()


def graph(entities: Iterable[tuple[str, str]], ties: Iterable[tuple[str, str, str, str]]) -> Graph:
    """The seed's form. The user is in every graph and therefore not listed; nothing is listed twice."""
    listed = {key(name): {"name": name, "type": kind, "attributes": {}} for name, kind in entities if not is_user(name)}
    told = {tuple(map(key, tie)): dict(zip(TIE, tie, strict=True)) for tie in ties}
    return {"entities": list(listed.values()), "relationships": list(told.values())}


def is_user(name: str) -> bool:
    return key(name) == key(USER)


def from_data(found: Any) -> Graph:
    """A graph of a data file: predicates by the vocabulary; a name that is only in a tie becomes a Concept."""
    entities = [(text(e, "name"), _one_of(TYPES, text(e, "type"), "type")) for e in items(found, "entities")]
    ties = [_tie(found) for found in items(found, "relationships")]
    known = {key(name) for name, _ in entities}
    unlisted = [(name, "Concept") for tie in ties for name in (tie[0], tie[2]) if key(name) not in known]
    return graph(entities + unlisted, ties)


def _tie(found: Any) -> tuple[str, str, str, str]:
    subject, predicate, object_, time = (text(found, name) for name in TIE)
    return subject, predicate_of(predicate), object_, _one_of(TIMES, time, "temporal")


def loads(written: str) -> Any:
    try:
        return json.loads(written)
    except (ValueError, RecursionError) as problem:
        raise Unreadable(f"this is no JSON: {problem}") from None


def items(found: Any, name: str) -> list[Any]:
    """The list of that name; Unreadable where it is missing or something else."""
    listed = found.get(name) if isinstance(found, dict) else None
    if not isinstance(listed, list):
        raise Unreadable(f'a JSON object with a list "{name}" is needed')
    return listed


def text(found: Any, name: str) -> str:
    value = found.get(name) if isinstance(found, dict) else None
    if not isinstance(value, str) or not value.strip():
        raise Unreadable(f'each entry needs a text "{name}"; this one has none: {json.dumps(found)[:80]}')
    return " ".join(value.split())


def _one_of(known: Iterable[str], word: str, what: str) -> str:
    for one in known:
        if one.casefold() == word.casefold():
            return one
    raise Unreadable(f"{word[:40]!r} is no {what} of the schema; known: {', '.join(known)}")


def compact(found: Graph) -> str:
    """What a model is taught to write: entities by number, and each tie as [object, predicate, subject, time]."""
    names = [USER, *(entity["name"] for entity in found["entities"])]
    number = {key(name): i for i, name in enumerate(names)}
    entities = [[i, entity["name"], entity["type"]] for i, entity in enumerate(found["entities"], 1)]
    ties = [
        [number[key(t["object"])], t["predicate"], number[key(t["subject"])], t["temporal"]]
        for t in found["relationships"]
    ]
    ordered = {"entities": entities, "relationships": sorted(ties, key=lambda tie: (tie[0], tie[2]))}
    return json.dumps(ordered, ensure_ascii=False, separators=(",", ":"))


def parse(answer: str) -> Graph:
    """The graph in an answer, compact or in the seed's form. What is not in the schema is refused, by name."""
    found = loads(answer)
    entities, ties = items(found, "entities"), items(found, "relationships")
    if any(isinstance(entry, dict) for entry in (*entities, *ties)):
        return _parse_named(entities, ties)
    listed = [_numbered(entry, number) for number, entry in enumerate(entities, 1)]
    names = [USER, *(name for name, _ in listed)]
    return graph(listed, [_numbers(entry, names) for entry in ties])


def _parse_named(entities: list[Any], ties: list[Any]) -> Graph:
    listed = [(text(entry, "name"), _known(TYPES, text(entry, "type"), "entity type")) for entry in entities]
    told = []
    for entry in ties:
        subject, predicate, object_, time = (text(entry, name) for name in TIE)
        told.append((subject, _known(PREDICATES, predicate, "predicate"), object_, _known(TIMES, time, "time")))
    names = {key(name) for name, _ in listed} | {key(USER)}
    for name in (name for subject, _, object_, _ in told for name in (subject, object_)):
        if key(name) not in names:
            raise Unreadable(f"a relationship names {name[:40]!r}, which is not among the entities")
    return graph(listed, told)


def _numbered(entry: Any, number: int) -> tuple[str, str]:
    match entry:
        case [int(given), str(name), str(kind)] if given == number and name.strip():
            return " ".join(name.split()), _known(TYPES, kind, "entity type")
    raise Unreadable(f"entity {number} is not written as [{number}, name, type]: {json.dumps(entry)[:80]}")


def _numbers(entry: Any, names: list[str]) -> tuple[str, str, str, str]:
    match entry:
        case [int(thing), str(predicate), int(who), str(time)] if {thing, who} <= set(range(len(names))):
            return names[who], _known(PREDICATES, predicate, "predicate"), names[thing], _known(TIMES, time, "time")
    raise Unreadable(f"a relationship is not [number, predicate, number, time] of known ones: {json.dumps(entry)[:80]}")


def _known(words: Iterable[str], word: str, what: str) -> str:
    if word not in words:
        raise Unreadable(f"{word[:40]!r} is no {what} of the schema")
    return word
