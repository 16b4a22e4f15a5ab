"""Functions that look at elements through a value of each, and functions of a single value."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from finetune.generators.code import sources, values
from finetune.generators.code.families import PARAMETER, condition_of, filters_of, kept_of, names_of, notes_of
from finetune.generators.code.vocabulary import FILTERS, MAPS, TURNS
from finetune.generators.code.writer import Arguments, Draft, Pen, Piece, fill

Keyed = Callable[[list[Any], list[Any]], Any]


def _grouped(elements: list[Any], keys: list[Any]) -> dict[Any, list[Any]]:
    return {key: [v for v, own in zip(elements, keys, strict=True) if own == key] for key in keys}


def _sorted(elements: list[Any], keys: list[Any]) -> list[Any]:
    return [elements[i] for i in sorted(range(len(keys)), key=lambda i: (keys[i], i))]


#: (elements, the value of each) -> result
MEANS: dict[str, Keyed] = {
    "mapping": lambda elements, keys: dict(zip(elements, keys, strict=True)),
    "largest": lambda elements, keys: elements[keys.index(max(keys))],
    "smallest": lambda elements, keys: elements[keys.index(min(keys))],
    "order": _sorted,
    "groups": _grouped,
    "tally": lambda elements, keys: {key: keys.count(key) for key in keys},
}
NOTES = {
    "mapping": "dictionary to {m}",
    "largest": "largest by {m}",
    "smallest": "smallest by {m}",
    "order": "sort by {m}",
    "groups": "group by {m}",
    "tally": "count by {m}",
}
PLACES = ("numbers", "names", "words", "keys", "values")


def keyed(pen: Pen) -> Draft:
    """ "the longest of the words that end in s", "the words grouped by first letter"."""
    name = pen.rng.choice(list(MEANS))
    source = sources.draw(pen, PLACES)
    filters = filters_of(pen, source.kind, 0.4, 0.0)
    pool = MAPS[source.kind]
    if name in ("largest", "smallest"):
        numeric = {"number", None if source.kind == "word" else "number"}
        pool = {k: b for k, b in pool.items() if TURNS.get((source.kind, k), source.kind) in numeric}
    change = pen.piece(pool, parameter=PARAMETER)
    pieces = [*filters, change]

    def run(arguments: Arguments, active: Sequence[Piece]) -> Any:
        kept = kept_of(source, arguments, filters, active)
        keys = [change.run(v, arguments) for v in kept] if change in active else kept
        return MEANS[name](kept, keys)

    draft = Draft("keyed", pieces, ("keyed", source.known_as, name, *(p.block.name for p in pieces)), [], run)
    draft.body = _lines(name, source.code, source.variable, condition_of(filters, source.variable), change)
    draft.note = [*notes_of(filters), NOTES[name].replace("{m}", change.short)]
    many = "{ns}" in (form := pen.rng.choice(pen.w.forms[name]))
    slots = {"n": source.noun, "ns": source.nouns, "place": source.place, "f": pen.that(filters, many=many)}
    one = "each" if name == "mapping" and many else "the"
    draft.said = fill(form, **slots, m=pen.say(change, e=f"{one} {source.noun}"))
    return draft


def _lines(name: str, code: str, v: str, condition: str, change: Piece) -> list[str]:
    made = change.code(v)
    if name == "mapping":
        return [f"return {{{v}: {made} for {v} in {code}{condition}}}"]
    if name in ("groups", "tally"):
        add = {
            "groups": f"groups.setdefault({made}, []).append({v})",
            "tally": f"counts[{made}] = counts.get({made}, 0) + 1",
        }[name]
        total = {"groups": "groups", "tally": "counts"}[name]
        inside = [f"    {condition.strip()}:", "        " + add] if condition else ["    " + add]
        return [f"{total} = {{}}", f"for {v} in {code}:", *inside, f"return {total}"]
    simple = re.fullmatch(rf"(\w+)\({v}\)", made)
    by = f"key={simple[1]}" if simple else f"key=lambda {v}: {made}"
    function = {"largest": "max", "smallest": "min", "order": "sorted"}[name]
    return [f"return {function}({f'[{v} for {v} in {code}{condition}]' if condition else code}, {by})"]


def single(pen: Pen) -> Draft:
    """A choice between two results, or two questions about one value."""
    kind = pen.rng.choice(("number", "number", "word"))
    a = pen.rng.choice(pen.w.counts if kind == "number" else pen.w.texts)
    pen.parameters[a] = lambda: _value(pen, kind)
    return _choice(pen, kind, a) if pen.chance(0.65) else _both(pen, kind, a)


def _value(pen: Pen, kind: str) -> Any:
    near = pen.rng.choice(pen.constants) if pen.constants else None
    if kind == "word":
        return pen.rng.choice(values.words(pen.rng, near))
    return values.number(pen.rng, pen.used, near if isinstance(near, int) else None)


def _choice(pen: Pen, kind: str, a: str) -> Draft:
    asked = pen.piece(FILTERS[kind], parameter=PARAMETER)
    if pen.chance(0.3):
        yes, no = pen.rng.sample(pen.w.labels, 2)
        pieces, made, said, note = [asked], (f'"{yes}"', f'"{no}"'), (f'"{yes}"', f'"{no}"'), f'"{yes}", else "{no}"'
        results: list[Callable[[Any, Arguments], Any]] = [lambda v, given: yes, lambda v, given: no]
    else:
        changes = [pen.piece(MAPS[kind]) for _ in range(2)]
        pieces, note = [asked, *changes], f"{changes[0].short}, else {changes[1].short}"
        made = (changes[0].code(a), changes[1].code(a))
        said = (pen.say(changes[0], e=a), pen.say(changes[1], e=a))
        results = [change.run for change in changes]

    def run(arguments: Arguments, active: Sequence[Piece]) -> Any:
        value = arguments[a]
        if len(active) < len(pieces):
            return None if asked not in active else _one_missing(asked, pieces, active, value, arguments)
        return results[0 if asked.run(value, arguments) else 1](value, arguments)

    draft = Draft("choice", pieces, ("choice", kind, *(p.block.name for p in pieces)), [], run)
    draft.body = [f"return {made[0]} if {asked.code(a)} else {made[1]}"]
    draft.note = [f"if {asked.short}: {note}"]
    draft.said = pen.form("choice", a=a, p=pen.say(asked), m=said[0], o=said[1])
    return draft


def _one_missing(
    asked: Piece, pieces: Sequence[Piece], active: Sequence[Piece], value: Any, arguments: Arguments
) -> Any:
    """The result without one of the two changes."""
    change = pieces[1 if asked.run(value, arguments) else 2]
    return change.run(value, arguments) if change in active else value


def _both(pen: Pen, kind: str, a: str) -> Draft:
    name, word, means = pen.rng.choice([("both", "and", all), ("either", "or", any)])
    pieces = [pen.piece(FILTERS[kind], parameter=PARAMETER) for _ in range(2)]

    def run(arguments: Arguments, active: Sequence[Piece]) -> Any:
        return bool(means(piece.run(arguments[a], arguments) for piece in active))

    draft = Draft("question", pieces, ("question", kind, name, *names_of(pieces)), [], run)
    draft.body = ["return " + f" {word} ".join(piece.code(a) for piece in pieces)]
    draft.note = [f" {word} ".join(piece.short for piece in pieces)]
    first, second = (pen.say(piece) for piece in pieces)
    draft.said = pen.form(name, a=a, p=first, q=second)
    return draft
