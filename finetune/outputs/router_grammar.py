r"""The form of the router's short plan, as Lark text for both engines.

A plan has one to MAX_STEPS steps, and an outline of as many verbs. Only the three tools can be called. What is free to
write is printable ASCII without quotes and back-slashes; a plan with more steps has less room for each argument, so
that the longest legal plan of any number of steps fits MAX_TOKENS even where each character is a token of its own.
"""

from finetune.outputs.router_plan import DIFFICULTIES, NEEDS, TAGS, TOOLS

MAX_TOKENS = 200
MAX_STEPS = 4
MAX_VERB = 14  # characters
#: most characters of a whole route_plan, by its number of steps
ROUTE_CHARS = {1: 142, 2: 128, 3: 114, 4: 102}


def _one_of(words: tuple[str, ...]) -> str:
    return "(" + "|".join(words) + ")"


def _joined(item: str, count: int, between: str = ",") -> str:
    return f' "{between}" '.join([item] * count)


def _shape(count: int) -> str:
    """The rules of a plan with so many steps."""
    return rf"""
plan{count}: "{{\"thinking_outline\":[" VERBS{count} "],\"route_plan\":[" ROUTE{count} why NEEDS{count} rest
VERBS{count}: {_joined("VERB", count)}
ROUTE{count}: ({_joined("STEP", count)}) & /.{{1,{ROUTE_CHARS[count]}}}/
NEEDS{count}: {_joined("NEED", count, " then ")}
"""


def _lark() -> str:
    counts = range(1, MAX_STEPS + 1)
    tool = _one_of(tuple(name.removeprefix("/") for name in TOOLS))
    return rf"""
start: {" | ".join(f"plan{count}" for count in counts)}
{"".join(map(_shape, counts))}
why: "],\"route_rationale\":\""
rest: "\",\"handoff_plan\":\"" TOOL " -> router QA\",\"difficulty\":\"" DIFFICULTY "\",\"tags\":[" TAGS "]}}"
VERB: /"[a-z][a-z ]{{0,{MAX_VERB - 2}}}[a-z]"/
STEP: "\"" TOOL "(" ARGUMENT ")\""
TOOL: /\/{tool}/
ARGUMENT: /[ !#-\[\]-~]+/
NEED: /{_one_of(tuple(NEEDS.values()))}/
DIFFICULTY: /{_one_of(DIFFICULTIES)}/
TAGS: TAG ("," TAG){{0,{len(TAGS) - 1}}}
TAG: /"{_one_of(tuple(TAGS.values()))}"/
"""


LARK = _lark()
