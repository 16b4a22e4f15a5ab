"""Where rows come from: the sample set, a file, pasted text, a dataset of the Hub. Each becomes a file to copy."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backends.bases import hub
from backends.errors import BadInput
from backends.files import dump_json
from backends.settings import MB, Settings
from finetune import examples
from finetune.rows import data, hub_rows
from finetune.rows.hub_rows import HubRows
from finetune.task import Task
from ui.fine_tune import state
from ui.fine_tune.state import Draft

#: rows of a dataset that are taken when nobody says how many
CAP = 2_000


def sample(settings: Settings, owner: str, task: Task) -> Draft:
    return state.begin(settings, owner, task, examples.path_of(task.name, "train"), "the sample set", state.SAMPLE)


def file(settings: Settings, owner: str, task: Task, upload: str) -> Draft:
    path = Path(upload)
    return state.begin(settings, owner, task, path, path.name, state.FILE)


def pasted(settings: Settings, owner: str, task: Task, text: str) -> Draft:
    if not text.strip():
        raise BadInput("There is no text yet: paste rows, or questions and answers")
    first = text.lstrip().partition("\n")[0]
    ending = "jsonl" if first[0] in "[{" else "csv" if re.search("[,;\t]", first) else "txt"
    with _scratch() as folder:
        path = folder / f"pasted.{ending}"
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        return state.begin(settings, owner, task, path, path.name, state.PASTED)


def from_hub(settings: Settings, owner: str, task: Task, name: str, config: str, split: str, cap: Any) -> Draft:
    """Streamed to its end or to `cap`; nothing of a dataset that breaks off is kept."""
    if cap is not None and (cap != int(cap) or not 1 <= cap <= settings.max_rows):
        raise BadInput(f"Rows at most: got {cap:g}, accepted is a whole number from 1 to {settings.max_rows:,}")
    most = int(cap or CAP)
    wanted = HubRows(name.strip(), config.strip() or None, split.strip() or "train", cap=most)
    if settings.public:
        _must_be_public(wanted.hub)
    with _scratch() as folder:
        path = folder / f"{wanted.hub.rpartition('/')[2]}.jsonl"
        data.write_rows(path, _bounded(wanted, settings))
        return state.begin(settings, owner, task, path, path.name, state.HUB)


def _must_be_public(name: str) -> None:
    """A visitor sees what everybody sees, never what this place's own token opens."""
    from huggingface_hub import HfApi

    with hub.explained(name, kind="datasets/"):
        HfApi(token=False).auth_check(name, repo_type="dataset")


def _bounded(wanted: HubRows, settings: Settings) -> Iterator[dict[str, Any]]:
    said = 0
    for number, row in enumerate(hub_rows.rows(wanted, settings.max_rows), 1):
        try:
            said += len(dump_json(row))
        except (TypeError, ValueError):
            raise BadInput(f"{wanted.hub}, row {number}: holds a value that is no text, number or list") from None
        if said > settings.max_upload:
            raise BadInput(
                f"{wanted.hub}: {number:,} rows take more than {settings.max_upload / MB:,.0f} MB, set a cap"
            )
        yield row


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="acr-rows-") as folder:
        yield Path(folder)
