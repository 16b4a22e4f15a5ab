"""Files of Google's LLM Comparator: two models, A and B, side by side. Its format as of PAIR-code/llm-comparator
`client/lib/types.ts` at b3b77be (2024).
"""

from collections.abc import Mapping
from typing import Any

from backends.errors import BadInput
from backends.files import dump_json
from finetune import task_named

#: what the tool scores from -1.5 to 1.5; above 0 model A is better
SCORES = {"fine_tuned_better": 1.0, "baseline_better": -1.0, "tie": 0.0, "both_wrong": 0.0}
SCHEMA = ({"name": "verdict", "type": "category"}, {"name": "correct", "type": "per_model_boolean"})


def written(report: Mapping[str, Any]) -> str:
    """The adapter as A, its baseline as B, on the rows that both answered."""
    if "verdicts" not in report:
        raise BadInput("LLM Comparator shows two systems side by side; this report has no adapter and baseline")
    names = [report["candidate"], report["baseline"]]
    titles = {system["name"]: system["title"] for system in report["systems"]}
    rows = [entry for entry in report["rows"] if "verdict" in entry]
    target = task_named(report["task"]).target
    texts = dict.fromkeys(name for entry in rows for name in _texts(entry, target))
    schema = [*SCHEMA, *({"name": name, "type": "text"} for name in texts)]
    metadata = {"source_path": f"Adapter Control Room, task {report['task']}", "custom_fields_schema": schema}
    models = [{"name": titles[name]} for name in names]
    examples = [_example(entry, names, target) for entry in rows]
    return dump_json({"metadata": metadata, "models": models, "examples": examples}, indent=1) + "\n"


def _example(entry: Mapping[str, Any], names: list[str], target: str) -> dict[str, Any]:
    first, second = (entry["answers"][name] for name in names)
    return {
        "input_text": "\n\n".join(map(str, entry["input"].values())),
        "tags": sorted(value for value in entry.get("beside", {}).values() if isinstance(value, str)),
        "output_text_a": first["answer"],
        "output_text_b": second["answer"],
        "score": SCORES[entry["verdict"]],
        "individual_rater_scores": [],
        "custom_fields": {"verdict": entry["verdict"], "correct": [first["correct"], second["correct"]]}
        | _texts(entry, target),
    }


def _texts(entry: Mapping[str, Any], target: str) -> dict[str, str]:
    """The row's columns and what was expected, so that the file can be judged again."""
    fields = entry["input"] | {target: entry["expected"]}
    return {name: value if isinstance(value, str) else dump_json(value) for name, value in fields.items()}


def is_mine(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("examples"), list) and "models" in document


def rows_of(document: Mapping[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """The two models' names and the rows. A score says who is better, and not who is right: equal is a tie."""
    try:
        names = [str(model["name"]) for model in document["models"]]
        if len(set(names)) != 2:
            raise BadInput(f"An LLM Comparator file holds two models, this one {len(set(names))}")
        return names, [_row(example, names) for example in document["examples"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"This LLM Comparator file is not whole: {type(error).__name__} {error}") from None


def _row(example: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    custom = example.get("custom_fields") or {}
    flags = custom.get("correct")
    right = flags if isinstance(flags, list) and len(flags) == 2 else [None, None]
    outputs = (_text(example["output_text_a"]), _text(example["output_text_b"]))
    return {
        "fields": {"input": _text(example["input_text"])} | custom,
        "answers": {
            name: {"answer": text, "correct": good} for name, text, good in zip(names, outputs, right, strict=True)
        },
        "verdict": custom.get("verdict") if custom.get("verdict") in SCORES else _verdict(example.get("score")),
    }


def _verdict(score: Any) -> str | None:
    if not isinstance(score, int | float):
        return None
    return "fine_tuned_better" if score > 0 else "baseline_better" if score < 0 else "tie"


def _text(value: Any) -> str:
    """A text, or the texts of a sequence of chunks (its images are left out)."""
    if isinstance(value, str):
        return value
    return "".join(str(chunk["data"]) for chunk in value if chunk.get("type") == "text")
