"""Rows of a dataset on the Hugging Face Hub: streamed, filtered, renamed, as many as asked for and no more.

Data files only (the `datasets` library runs no code of a dataset since its version 4), of the commit that is current
when the stream opens.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from backends.bases import hub
from backends.errors import AppError, BadInput, NotFound

ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "is": lambda value, wanted: value == wanted,
    "in": lambda value, wanted: value in wanted,
    "contains": lambda value, wanted: str(wanted) in str(value),
    "at least": lambda value, wanted: value is not None and value >= wanted,
    "at most": lambda value, wanted: value is not None and value <= wanted,
}


@dataclass(frozen=True)
class Filter:
    """Keep the rows where `column` passes `test` (one of TESTS) against `value`."""

    column: str
    test: str
    value: Any

    def __post_init__(self) -> None:
        if self.test not in TESTS:
            raise BadInput(f"filter on {self.column}: there is no test {self.test!r}; known: {', '.join(TESTS)}")

    def keeps(self, row: Mapping[str, Any]) -> bool:
        try:
            return TESTS[self.test](row[self.column], self.value)
        except TypeError:
            found = type(row[self.column]).__name__
            raise BadInput(f"filter on {self.column}: {self.test!r} does not fit a value that is {found}") from None


@dataclass(frozen=True)
class HubRows:
    """Which rows: the dataset's id, the part of it, conditions, how many, and which columns under which names."""

    hub: str
    config: str | None = None
    split: str = "train"
    filters: tuple[Filter, ...] = ()
    cap: int | None = None
    #: our name of a column -> the dataset's; empty = all columns under their own names
    columns: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not ID.fullmatch(self.hub):
            raise BadInput(f"{self.hub[:60]!r} is not the id of a dataset on the Hub, which reads owner/name")

    @property
    def needed(self) -> set[str]:
        return {*self.columns.values(), *(one.column for one in self.filters)}


def from_json(data: Mapping[str, Any]) -> HubRows:
    """The selection that a recipe holds."""
    filters = tuple(Filter(**one) for one in data.get("filters", ()))
    return HubRows(data["hub"], data.get("config"), data["split"], filters, data.get("cap"), data.get("columns", {}))


def rows(wanted: HubRows, most: int) -> Iterator[dict[str, Any]]:
    """The rows one by one; more than `most` without a cap is refused, because nobody wants half of a dataset unsaid."""
    found = islice(_kept(wanted), wanted.cap)
    for count, row in enumerate(found, 1):
        if count > most:
            raise BadInput(f"{wanted.hub} has more than {most:,} such rows, the most accepted here: set a cap")
        yield row


def _kept(wanted: HubRows) -> Iterator[dict[str, Any]]:
    with _explained(wanted):
        for number, row in enumerate(_opened(wanted)):
            if number == 0 and (missing := sorted(wanted.needed - set(row))):
                raise BadInput(f"{wanted.hub} has no column {missing[0]!r}; it has {', '.join(row)}")
            if all(one.keeps(row) for one in wanted.filters):
                names = wanted.columns or {name: name for name in row}
                yield {ours: row[theirs] for ours, theirs in names.items()}


def _opened(wanted: HubRows) -> Any:
    """The stream of one commit. Who may not read the dataset is told so before the library looks for files."""
    import datasets
    from huggingface_hub import HfApi

    api = HfApi(endpoint=datasets.config.HF_ENDPOINT)
    api.auth_check(wanted.hub, repo_type="dataset")
    commit = api.dataset_info(wanted.hub).sha
    return datasets.load_dataset(wanted.hub, wanted.config, split=wanted.split, revision=commit, streaming=True)


@contextmanager
def _explained(wanted: HubRows) -> Iterator[None]:
    """What the libraries raise, as one sentence: they say what is wrong with a config, a split or a file themselves."""
    from datasets.exceptions import DatasetsError

    with hub.explained(wanted.hub, kind="datasets/"):
        try:
            yield
        except AppError:
            raise
        except FileNotFoundError as error:
            raise NotFound(f"{wanted.hub} holds no rows that can be read: {_first_line(error)}") from error
        except (ValueError, DatasetsError) as error:
            raise BadInput(f"{wanted.hub} cannot be read so: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
