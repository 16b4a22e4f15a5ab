r"""The form of a memory graph, as Lark text for both engines.

The answer is compact JSON in the order in which it is easiest to write: numbered entities first, then each tie as
[object, predicate, subject, time], by number; 0 is the user. `observer_graph` turns it into the seed's form.

What keeps an answer both legal and finite:
- Types, predicates and times are lists, and a number is that of an entity that was written before.
- At most ENTITIES entities with names of at most NAME characters, at most TIES ties. All letters that a name may have
  are one token each in the base's vocabulary or fewer, which a test counts.
"""

from finetune.outputs.observer_vocabulary import PREDICATES, TIMES, TYPES

ENTITIES, TIES, NAME = 5, 4, 23


def _choice(words: tuple[str, ...]) -> str:
    return " | ".join(f'"{word}"' for word in words)


def _graph(count: int) -> str:
    """A graph of exactly that many entities; its ties name only these."""
    entities = ' "," '.join(f"e{number}" for number in range(1, count + 1))
    return rf'{entities} "],\"relationships\":[" (t{count} ("," t{count}){{0,{TIES - 1}}})? "]}}"'


def _entity(number: int) -> str:
    return rf'e{number}: "[{number},\"" NAME "\",\"" type "\"]"'


def _tie(count: int) -> str:
    return rf't{count}: "[" /[0-{count}]/ ",\"" predicate "\"," /[0-{count}]/ ",\"" time "\"]"'


LARK = "\n".join(
    [
        r'start: "{\"entities\":[" graph',
        r'graph: "],\"relationships\":[]}" | ' + " | ".join(_graph(count) for count in range(1, ENTITIES + 1)),
        *(_entity(number) for number in range(1, ENTITIES + 1)),
        *(_tie(count) for count in range(1, ENTITIES + 1)),
        f"type: {_choice(TYPES)}",
        f"predicate: {_choice(tuple(PREDICATES))}",
        f"time: {_choice(TIMES)}",
        # no blank at either end
        rf"NAME: /[A-Za-zÀ-ÖØ-öø-ÿ0-9]([A-Za-zÀ-ÖØ-öø-ÿ0-9 .&'+#-]{{0,{NAME - 2}}}[A-Za-zÀ-ÖØ-öø-ÿ0-9.+#])?/",
    ]
)
