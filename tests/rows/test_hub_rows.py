"""hub_rows.py and what seeds.py makes of the rows, through the real `datasets` library and a stand-in Hub."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backends.errors import AppError, BadInput, NotFound, Refused
from backends.settings import Settings
from finetune import task_named
from finetune.recipes import seeds
from finetune.rows import hub_rows
from finetune.rows.hub_rows import Filter, HubRows
from tests.parts.loopback_hub import LoopbackHub

pytestmark = pytest.mark.rehearsal
DATA = "datasets/someone/rows"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LoopbackHub]:
    """The libraries are told where the Hub is as HF_ENDPOINT would tell them at their start."""
    import datasets
    from huggingface_hub import constants

    with LoopbackHub() as made:
        monkeypatch.setattr(datasets.config, "HF_ENDPOINT", made.url)
        monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")
        monkeypatch.setattr(constants, "ENDPOINT", made.url)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        template = f"{made.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield made


def jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def parquet(rows: list[dict[str, Any]]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), out)
    return out.getvalue()


ROWS = [{"question": f"q{i}", "answer": i, "level": ("easy", "hard")[i % 2]} for i in range(30)]


def read(wanted: HubRows, most: int = 1000) -> list[dict[str, Any]]:
    return list(hub_rows.rows(wanted, most))


@pytest.mark.parametrize(("name", "body"), [("train.jsonl", jsonl(ROWS)), ("data/train-0.parquet", parquet(ROWS))])
def test_rows_are_filtered_capped_and_renamed(hub: LoopbackHub, name: str, body: bytes) -> None:
    hub.models[DATA] = {name: body}
    filters = (Filter("level", "in", ["hard"]), Filter("answer", "at least", 5))
    wanted = HubRows("someone/rows", filters=filters, cap=3, columns={"text": "question"})
    assert read(wanted) == [{"text": "q5"}, {"text": "q7"}, {"text": "q9"}]
    assert read(HubRows("someone/rows"))[29] == ROWS[29]


def test_a_config_and_a_split_are_chosen_by_the_card_of_the_data(hub: LoopbackHub) -> None:
    card = "---\nconfigs:\n- config_name: b\n  data_files:\n  - split: extra\n    path: b.jsonl\n---\n"
    hub.models[DATA] = {"README.md": card.encode(), "a.jsonl": jsonl(ROWS), "b.jsonl": jsonl(ROWS[:2])}
    assert read(HubRows("someone/rows", config="b", split="extra")) == ROWS[:2]
    with pytest.raises(BadInput, match=r"someone/rows cannot be read so: .*zz.*'b'"):
        read(HubRows("someone/rows", config="zz"))
    with pytest.raises(BadInput, match=r"someone/rows cannot be read so: .*train.*extra"):
        read(HubRows("someone/rows", config="b"))


@pytest.mark.parametrize(
    ("wanted", "kind", "sentence"),
    [
        (HubRows("someone/none"), NotFound, "someone/none is not on the Hub, or not open to you"),
        (HubRows("someone/gated"), Refused, "someone/gated is gated: accept its terms at .*/datasets/someone/gated"),
        (HubRows("someone/bare"), NotFound, "someone/bare holds no rows that can be read"),
        (HubRows("someone/rows", columns={"x": "prompt"}), BadInput, "no column 'prompt'; it has question, answer"),
        (HubRows("someone/rows", filters=(Filter("size", "is", 1),)), BadInput, "no column 'size'"),
        (
            HubRows("someone/rows", filters=(Filter("level", "at most", 1),)),
            BadInput,
            "does not fit a value that is str",
        ),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence(
    hub: LoopbackHub, wanted: HubRows, kind: type[AppError], sentence: str
) -> None:
    hub.models |= {DATA: {"train.jsonl": jsonl(ROWS)}, "datasets/someone/bare": {"notes.xyz": b"-"}}
    hub.models["datasets/someone/gated"] = {"train.jsonl": jsonl(ROWS)}
    hub.gated.add("datasets/someone/gated")
    with pytest.raises(kind, match=sentence):
        read(wanted)


def test_more_rows_than_accepted_are_refused_unless_a_cap_is_set(hub: LoopbackHub) -> None:
    hub.models[DATA] = {"train.jsonl": jsonl(ROWS)}
    with pytest.raises(BadInput, match="more than 10 such rows, the most accepted here: set a cap"):
        read(HubRows("someone/rows"), most=10)
    assert len(read(HubRows("someone/rows", cap=10), most=10)) == 10


def test_a_hub_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(AppError, match="The Hub cannot be reached"):
        read(HubRows("someone/rows"))


@pytest.mark.parametrize("name", ["rows", "../etc/passwd", "a/b/c", "https://huggingface.co/a/b", ""])
def test_what_is_no_id_is_refused_before_anything_is_asked(name: str) -> None:
    with pytest.raises(BadInput, match="is not the id of a dataset"):
        HubRows(name)


def test_a_filter_with_an_unknown_test_is_refused() -> None:
    with pytest.raises(BadInput, match="no test 'matches'"):
        Filter("a", "matches", ".*")


def messages(i: int) -> dict[str, Any]:
    """A row as the seed published it: the function fenced, three counts, the score."""
    code = f"```javascript\nfunction f{i}(a) {{ return a + {i}; }}\n```"
    answer = f"Analysis:\n- Parameters: 1\n- Nesting Depth: 0\n- Variables: 0\n\nComplexity Score: {1 + i % 9}.0"
    turns = (("system", "You are a static analysis expert."), ("user", code), ("assistant", answer))
    return {"messages": [{"role": role, "content": text} for role, text in turns], "other": i}


def test_a_seeds_rows_are_cleaned_and_split_by_its_shares(hub: LoopbackHub, settings: Settings) -> None:
    seed = seeds.find("complexity-qwen3-4b")
    assert seed
    broken = {"messages": [{"role": "user", "content": "no answer"}], "other": 0}
    hub.models[f"datasets/{seed.data['hub']}"] = {"train.jsonl": jsonl([*map(messages, range(60)), broken])}
    found = seeds.fetch(settings, task_named(seed.task), seed, shuffle=42)
    assert found.counts == {"train": 50, "val": 5, "test": 5}
    assert found.left_out == 1 and str(found.problem).startswith("row 61, column messages")
    files = [found.path.with_name(f"{split}.jsonl").read_text().splitlines() for split in found.counts]
    rows = [json.loads(line) for file in files for line in file]
    assert len({row["code"] for row in rows}) == 60
    assert rows[0].keys() == {"code", "score"}


def test_rows_that_the_task_cannot_use_are_refused_with_the_first_problem(hub: LoopbackHub, settings: Settings) -> None:
    seed = seeds.find("complexity-qwen3-4b")
    assert seed
    hub.models[f"datasets/{seed.data['hub']}"] = {"train.jsonl": jsonl([{"messages": [], "other": 1}] * 3)}
    with pytest.raises(BadInput, match=r"0 rows are usable for .*, 3 are not: row 1, column messages"):
        seeds.fetch(settings, task_named(seed.task), seed, shuffle=0)


def test_a_seed_whose_rows_are_not_on_the_hub_says_where_they_are(settings: Settings) -> None:
    seed = seeds.find("observer-utility-qwen3-0.6b")
    assert seed
    with pytest.raises(NotFound, match=r"not on the Hub \(github.com/jkstl/lcr .*utility_grading.jsonl\): give a file"):
        seeds.fetch(settings, task_named(seed.task), seed, shuffle=0)
