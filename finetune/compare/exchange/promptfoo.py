"""Results files of promptfoo (`promptfoo eval --output results.json`), version 3 of its summary: every system is a
provider, every row a test. Read as well: version 2, where the list of results is the same.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from backends.errors import BadInput
from backends.files import dump_json
from finetune import task_named
from finetune.scoring import report as reports

VERSION = 3
#: promptfoo's numbers for why a test failed: not at all, by its assertion
PASSED, FAILED = 0, 1


def written(report: Mapping[str, Any]) -> str:
    task = task_named(report["task"])
    raw = "\n\n".join([task.instruction, *(f"{field.label}:\n{{{{{field.column}}}}}" for field in task.inputs)])
    prompt = {"raw": raw, "label": task.title}
    sides = (report.get("candidate"), report.get("baseline"))
    systems = sorted(
        report["systems"], key=lambda system: sides.index(system["name"]) if system["name"] in sides else 2
    )
    results = [
        _result(entry, system, place, prompt, task.target)
        for entry in sorted(report["rows"], key=lambda entry: entry["row"])
        for place, system in enumerate(systems)
        if system["name"] in entry["answers"]
    ]
    stats = _stats(results)
    prompts = [prompt | {"provider": system["name"]} | _metrics(results, system) for system in systems]
    created = report.get("created", "1970-01-01T00:00:00Z")
    summary = {"version": VERSION, "timestamp": created, "prompts": prompts, "results": results, "stats": stats}
    config = {
        "description": f"Adapter Control Room, task {task.name}",
        "prompts": [raw],
        "providers": [system["name"] for system in systems],
    }
    return (
        dump_json(
            {"evalId": _id(report, created), "results": summary, "config": config, "shareableUrl": None}, indent=1
        )
        + "\n"
    )


def _id(report: Mapping[str, Any], created: str) -> str:
    return f"eval-{str(report.get('run') or report.get('data_sha256', 'acr'))[:8]}-{created}"


def _result(
    entry: Mapping[str, Any], system: Mapping[str, Any], place: int, prompt: Mapping[str, str], target: str
) -> dict[str, Any]:
    given = entry["answers"][system["name"]]
    fields = entry["input"] | {target: entry["expected"]} | entry.get("beside", {})
    score = float(given["correct"])
    return {
        "promptIdx": place,
        "testIdx": entry["row"],
        "testCase": {"vars": fields, "assert": [], "metadata": {"row": entry["row"]}},
        "promptId": hashlib.sha256(f"{prompt['raw']}{system['name']}".encode()).hexdigest(),
        "provider": {"id": system["name"], "label": system["title"]},
        "prompt": prompt,
        "vars": fields,
        "response": {"output": given["answer"]},
        "error": None,
        "failureReason": PASSED if given["correct"] else FAILED,
        "success": given["correct"],
        "score": score,
        "latencyMs": round(1000 * given.get("seconds", 0.0)),
        "gradingResult": {"pass": given["correct"], "score": score, "reason": given["problem"] or "judged by the task"},
        "namedScores": given["parts"],
    }


def _stats(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    passed = sum(result["success"] for result in results)
    return {"successes": passed, "failures": len(results) - passed, "errors": 0, "tokenUsage": {}}


def _metrics(results: Sequence[Mapping[str, Any]], system: Mapping[str, Any]) -> dict[str, Any]:
    own = [result for result in results if result["provider"]["id"] == system["name"]]
    passed = sum(result["success"] for result in own)
    latency = sum(result["latencyMs"] for result in own)
    counts = {"testPassCount": passed, "testFailCount": len(own) - passed, "testErrorCount": 0}
    return {"metrics": counts | {"score": passed, "totalLatencyMs": latency, "namedScores": {}, "cost": 0}}


def is_mine(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(_summary(document).get("results"), list)


def _summary(document: Mapping[str, Any]) -> Mapping[str, Any]:
    found = document.get("results")
    return found if isinstance(found, dict) else {}


def rows_of(document: Mapping[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """Providers in their order, and a row for each test. A provider with several prompts counts once for each."""
    tests: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    try:
        results = _summary(document)["results"]
        prompts = {(_provider(r), r["promptIdx"]) for r in results}
        several = {who for who, _ in prompts if sum(who == other for other, _ in prompts) > 1}
        for result in results:
            tests[result["testIdx"]].append(result)
        names = {_name(r, several): None for r in sorted(results, key=lambda result: result["promptIdx"])}
        return list(names), [_row(tests[number], list(names), several) for number in sorted(tests)]
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"This promptfoo file is not whole: {type(error).__name__} {error}") from None


def _provider(result: Mapping[str, Any]) -> str:
    who = result["provider"]
    return str(who if isinstance(who, str) else who["id"])


def _name(result: Mapping[str, Any], several: set[str]) -> str:
    who = _provider(result)
    return f"{who}, prompt {result['promptIdx'] + 1}" if who in several else who


def _row(results: Sequence[Mapping[str, Any]], names: Sequence[str], several: set[str]) -> dict[str, Any]:
    answers = {_name(result, several): _answer(result) for result in results}
    pair = [answers[name]["correct"] for name in names[:2] if name in answers]
    return {
        "fields": dict(results[0]["vars"]),
        "answers": answers,
        "verdict": reports.named_verdict(*pair) if len(pair) == 2 else None,
    }


def _answer(result: Mapping[str, Any]) -> dict[str, Any]:
    output = (result.get("response") or {}).get("output", "")
    text = output if isinstance(output, str) else dump_json(output)
    return {"answer": text, "correct": bool(result["success"]), "seconds": result.get("latencyMs", 0) / 1000}
