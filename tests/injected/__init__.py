"""Faults of adapters, of the base and of the wire, put in from outside; which check catches each, and what it says."""

from collections.abc import Callable
from typing import Any

from backends import adapters
from backends.bases.gguf_meta import Shapes
from backends.catalog import EMBEDDED
from tests.injected import spoiled
from tests.injected.base import merged_by_peft, merged_unseen
from tests.injected.place import ENGINE, ENGINES, FILES, NONE, PROBE, RECEIPT, Bench, Outcome, bench
from tests.injected.wire import Change, asked_as, tampered, told_as
from tests.parts.loras import Tensors

__all__ = ["ENGINES", "FAULTS", "NONE", "Bench", "Outcome", "bench", "false_alarms"]


# -- adapters ---------------------------------------------------------------------------------------


def _file(fault: str, **options: Any) -> Callable[[Bench], Outcome]:
    """A folder that must be refused when it is asked, before any engine opens it."""

    def run(at: Bench) -> Outcome:
        name = at.put("faulty", **options)
        said = at.refused(name)
        return Outcome(fault, at.backend, FILES if "cannot be used" in said or "belongs to" in said else NONE, said)

    return run


def another_shape(at: Bench) -> Outcome:
    larger = {name: (2 * out, 2 * into) for name, (out, into) in at.shapes.items()}
    said = at.refused(at.put("faulty", shapes=larger))
    return Outcome("of a base of other sizes", at.backend, FILES if said else NONE, said)


def no_op(at: Bench) -> Outcome:
    name = at.put("no-op", change=spoiled.silent)
    at.ask(name)
    said = at.proved(name)
    return Outcome("no-op (B = 0)", at.backend, PROBE if said else NONE, said)


def beyond(fault: str, config: dict[str, Any], change: Callable[[Shapes], Callable[[Tensors], None]]) -> Any:
    """DoRA and biases: answer on transformers and leave the base alone, refused with the way out on llama.cpp."""

    def run(at: Bench) -> Outcome:
        name = at.put(fault.lower(), config=config, change=change(at.shapes))
        if at.backend == "llama_cpp":
            said = at.refused(name)
            return Outcome(fault, at.backend, ENGINE if "merge it into its base first" in said else NONE, said)
        before, told = at.ask(None), at.ask(name)
        said = at.proved(name) or at.refused(name)
        works = told != before == at.ask(None) and not said
        return Outcome(fault, at.backend, "answers as itself" if works else NONE, said)

    return run


def retrained(at: Bench) -> Outcome:
    """The name stays, the weights change while the engine still holds the old ones."""
    name = at.put("again")
    first = at.ask(name)
    at.put("again", change=spoiled.negative)
    second, said = at.ask(name), at.refused(name)
    fresh = second != first and not said
    return Outcome("trained again under its name", at.backend, "the new weights answer" if fresh else NONE, said)


# -- the wire ---------------------------------------------------------------------------------------


def _wire(fault: str, asked: str | None, request: Change, line: Change) -> Callable[[Bench], Outcome]:
    def run(at: Bench) -> Outcome:
        at.put("left")
        at.put("right", change=spoiled.negative)
        with tampered(at.engine, request, line):
            said = at.refused(asked)
        return Outcome(fault, at.backend, RECEIPT if said else NONE, said)

    return run


FAULTS: dict[str, Callable[[Bench], Outcome]] = {
    "no-op": no_op,
    "other base by name": _file("of another base", config={"base_model_name_or_path": "google/gemma-3-270m-it"}),
    "other base by digest": _file(
        "of other weights of the base", card={"base": EMBEDDED, "base_sha256": "0" * 64}, config={"r": 4}
    ),
    "other base by size": another_shape,
    "renamed prefix": _file("renamed keys", change=spoiled.renamed("base_model.model.model.", "base_model.model.")),
    "renamed part": _file("renamed keys (lora_down)", change=spoiled.renamed("lora_A.weight", "lora_down.weight")),
    "keys twice": _file("keys twice under two prefixes", change=spoiled.twice),
    "scale 0": _file("scale 0 (alpha 0)", config={"lora_alpha": 0}),
    "scale 0 by pattern": _file("scale 0 in some layers", config={"alpha_pattern": {"q_proj": 0}}),
    "half-loaded": _file("half of the keys missing", change=spoiled.halved),
    "dora": beyond("DoRA", {"use_dora": True}, spoiled.magnitudes),
    "bias": beyond("Bias", {"lora_bias": True}, spoiled.b_biases),
    "retrained": retrained,
    "panes swapped": _wire("swapped panes", "left", asked_as("right"), lambda line: None),
    "panes swapped, name forged": _wire("swapped, name forged", "left", asked_as("right"), told_as(adapter="left")),
    "base for adapter": _wire("base under an adapter's name", "left", asked_as(None), lambda line: None),
    "adapter for base": _wire("adapter under the base's name", None, asked_as("right"), lambda line: None),
    "stale": _wire("stale weights answer", "left", lambda body: None, told_as(sha256="0" * 64)),
    "switched off": _wire("adapter switched off (scale 0)", "left", lambda body: None, told_as(scale=0.0)),
    "half on": _wire("adapter at half scale", "left", lambda body: None, told_as(scale=0.5)),
    "other engine": _wire("another engine answers", "left", lambda body: None, told_as(engine="echo")),
    "merged twice": merged_by_peft,
    "merged unseen": merged_unseen,
}


def false_alarms(at: Bench) -> list[str]:
    """What is said against the shipped adapters; must be nothing."""
    shipped = [a for a in adapters.adapters(at.settings).values() if a.origin == "shipped"]
    said = [f"{a.name}: {words}" for a in shipped for words in (at.refused(a.name), at.proved(a.name)) if words]
    return said + [f"{a.name}: {words}" for a in shipped for words in adapters.verify(at.settings, a)]
