"""Answers of a base that were given before: the same request to the same weights on the same engine is asked once.

Only for the base alone: it never changes, so every new adapter is compared with the same answers at no cost.
"""

import hashlib
from dataclasses import asdict
from importlib.metadata import version

from backends.base import AnswerReceipt, Request, Usage
from backends.catalog import base_named
from backends.files import append_json, dump_json, read_json_lines
from backends.settings import Settings
from finetune.ask import Answer

#: an engine's package; another version of it is another engine
PACKAGES = {"llama_cpp": "xllamacpp", "transformers": "transformers"}


class KeptAnswers:
    """One file of lines for a base on an engine. Only evaluations write it, and one of them runs at a time."""

    def __init__(self, settings: Settings, base: str, engine: str) -> None:
        self.path = settings.cache_dir / "base-answers" / f"{base}-{engine}.jsonl"
        package = PACKAGES.get(engine)
        self._made_by = [base_named(base).sha256, engine, version(package) if package else None]
        # a line that a crash cut short is no entry, so it is asked again
        self._known = {entry["request"]: entry for entry in read_json_lines(self.path) if "request" in entry}

    def get(self, request: Request) -> Answer | None:
        entry = self._known.get(self._key(request))
        if entry is None:
            return None
        return Answer(entry["text"], entry["finish"], AnswerReceipt(**entry["receipt"]), Usage(**entry["usage"]))

    def put(self, request: Request, answer: Answer) -> None:
        entry = {"request": self._key(request)} | asdict(answer)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        append_json(self.path, entry)
        self._known[entry["request"]] = entry

    def _key(self, request: Request) -> str:
        text = dump_json([*self._made_by, request.to_wire()])
        return hashlib.sha256(text.encode()).hexdigest()
