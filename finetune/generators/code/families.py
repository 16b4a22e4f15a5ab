"""Functions over several elements: choose some, change each, put them together, or check them."""

from collections.abc import Callable, Sequence
from typing import Any

from finetune.generators.code import sources
from finetune.generators.code.sources import Source
from finetune.generators.code.vocabulary import COUNT, FILTERS, MAPS, PLAIN, RESULT, TURNS
from finetune.generators.code.writer import Arguments, Draft, Pen, Piece, fill, plural

PARAMETER = 0.3  # how often a constant is a parameter instead


def filters_of(pen: Pen, kind: str, one: float, two: float) -> list[Piece]:
    count = 2 if pen.chance(two) else int(pen.chance(one))
    return [pen.piece(FILTERS[kind], parameter=PARAMETER) for _ in range(count)]


def kept_of(source: Source, arguments: Arguments, filters: Sequence[Piece], active: Sequence[Piece]) -> list[Any]:
    wanted = [piece for piece in filters if piece in active]
    return [v for v in source.elements(arguments) if all(piece.run(v, arguments) for piece in wanted)]


def names_of(filters: Sequence[Piece]) -> list[str]:
    """In one order: the same filters the other way round are the same combination."""
    return sorted(piece.block.name for piece in filters)


def condition_of(filters: Sequence[Piece], variable: str) -> str:
    return " if " + " and ".join(piece.code(variable) for piece in filters) if filters else ""


def notes_of(filters: Sequence[Piece]) -> list[str]:
    return ["keep " + " and ".join(piece.short for piece in filters)] if filters else []


def result(pen: Pen) -> Draft:
    """Choose, change, put together: "the sum of the squares of the even numbers in prices"."""
    source = sources.draw(pen)
    pair = source.kind == "pair"
    filters = filters_of(pen, source.kind, 0.0 if pair else 0.7, 0.0 if pair else 0.1)
    change = pen.piece(MAPS[source.kind], parameter=PARAMETER) if pair or pen.chance(0.6) else None
    kind = TURNS.get((source.kind, change.block.name), source.kind) if change else source.kind
    pool = dict(RESULT[kind])
    if filters and not change:
        pool |= {"count": COUNT}
    if not filters:
        pool.pop("first", None)
        if not change:
            pool = {name: block for name, block in pool.items() if name in PLAIN}
    if "text" in pen.used or source.name == "range":
        pool.pop("alphabetical", None)
    final = pen.piece(pool)
    pieces = [*filters, *([change] if change else []), final]

    def run(arguments: Arguments, active: Sequence[Piece]) -> Any:
        kept = kept_of(source, arguments, filters, active)
        changed = [change.run(v, arguments) for v in kept] if change and change in active else kept
        return final.run(changed, arguments) if final in active else None

    draft = Draft(
        "result",
        pieces,
        ("result", source.known_as, *names_of(filters), *(p.block.name for p in pieces[len(filters) :])),
        [],
        run,
    )
    draft.body = _result_lines(source, filters, change, final)
    draft.note = [*notes_of(filters), *([change.short] if change else []), final.short]
    _say_result(pen, draft, source, filters, change, final)
    return draft


def _result_lines(source: Source, filters: list[Piece], change: Piece | None, final: Piece) -> list[str]:
    v, condition = source.variable, condition_of(filters, source.variable)
    made = change.code(v) if change else "1" if final.block is COUNT else "n" if v == "a, b" else v
    if final.block.name == "running":
        add = [f"total += {made}", "totals.append(total)"]
        loop = [f"    {condition.strip()}:", *("        " + line for line in add)]
        if not condition:
            loop = ["    " + line for line in add]
        return ["total = 0", "totals = []", f"for {v} in {source.code}:", *loop, "return totals"]
    if not (filters or change):
        return ["return " + PLAIN[final.block.name].replace("@", source.code)]
    each = f"{made} for {v} in {source.code}{condition}"
    lines = final.code(v).replace("@", each).split("; ")
    return lines if len(lines) > 1 else ["return " + lines[0]]


def _say_result(
    pen: Pen, draft: Draft, source: Source, filters: list[Piece], change: Piece | None, final: Piece
) -> None:
    slots = {"n": source.noun, "ns": source.nouns, "place": source.place}
    items = _items(pen, source, filters)
    if not change:
        draft.said = pen.say(final, i=items)
        return
    said = pen.rng.choice(change.block.says[pen.split]).replace("{k}", change.k)
    if pen.chance(0.35) and source.kind != "pair":
        draft.steps = {"i": items, "m": said.replace("{e}", "it")}
        draft.said = pen.say(final, i=pen.w.those)
        return
    last = source.kind == "pair" or (said.endswith("{e}") and pen.chance(0.6))
    text = pen.rng.choice(pen.w.changed_last if last else pen.w.changed)
    one = f" {source.place}{pen.that(filters, many=False)}"
    for word in ("the", "that", "each", "every", "each single", "any", "a"):
        element = f"{word} {source.noun}" + (one if last else "")
        text = text.replace(f"{{m:{word}}}", said.replace("{e}", element))
    draft.said = pen.say(final, i=fill(text, f=pen.that(filters, many=False), **slots))


def _items(pen: Pen, source: Source, filters: list[Piece]) -> str:
    slots = {"n": source.noun, "ns": source.nouns, "place": source.place, "f": pen.that(filters, many=True)}
    return fill(pen.rng.choice(pen.w.items), **slots)


#: a question about all elements: its Python, what it means
CHECKS: dict[str, tuple[str, Callable[[list[bool]], bool]]] = {
    "all": ("all(@)", lambda found: False not in found),
    "any": ("any(@)", lambda found: True in found),
    "none": ("not any(@)", lambda found: True not in found),
}


def check(pen: Pen) -> Draft:
    """Do all, some or none of the elements fit?"""
    source = sources.draw(pen)
    filters = filters_of(pen, source.kind, 0.0 if source.kind == "pair" else 0.35, 0.0)
    asked = pen.piece(FILTERS[source.kind], parameter=PARAMETER)
    name = pen.rng.choice(list(CHECKS))
    code, means = CHECKS[name]

    def run(arguments: Arguments, active: Sequence[Piece]) -> Any:
        kept = kept_of(source, arguments, filters, active)
        return means([bool(asked.run(v, arguments)) for v in kept]) if asked in active else None

    v, pieces = source.variable, [*filters, asked]
    draft = Draft("check", pieces, ("check", source.known_as, name, *(p.block.name for p in pieces)), [], run)
    each = f"{asked.code(v)} for {v} in {source.code}{condition_of(filters, v)}"
    draft.body = ["return " + code.replace("@", each)]
    draft.note = [*notes_of(filters), f"{name} {asked.short}"]
    said = pen.say(asked)
    draft.said = pen.form(
        name,
        ns=source.nouns,
        place=source.place,
        f=pen.that(filters, many=True),
        p=said if source.kind == "pair" else plural(said),
    )
    return draft
