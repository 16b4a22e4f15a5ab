"""Numbers to other places as well: by one setting, with a sentence when a package is missing."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from backends.errors import BadInput, Unavailable
from backends.settings import from_env
from finetune.training import sinks
from tests.training.test_trainer import RECIPE, plan, trained

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # libraries about each other


def test_the_setting_is_a_list_of_names() -> None:
    env = {"ACR_DATA_DIR": "/tmp/x", "ACR_REPORT_TO": "trackio, wandb"}
    assert from_env(env).report_to == ("trackio", "wandb")
    assert from_env(from_env(env).to_env()).report_to == ("trackio", "wandb")


def test_an_unknown_place_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match="got 'excel', choose from trackio, wandb, tensorboard, mlflow"):
        sinks.check(("excel",))


@pytest.mark.parametrize("name", [name for name in sinks.PACKAGES if find_spec(sinks.PACKAGES[name]) is None])
def test_a_missing_package_is_one_sentence_before_anything_starts(name: str) -> None:
    with pytest.raises(Unavailable, match=f"asks for {name}, which is not installed: pip install {name}"):
        sinks.check((name,))


def test_without_the_setting_nothing_is_reported(tmp_path: Path) -> None:
    trainer = trained(plan(tmp_path / "run", RECIPE.change(max_steps=1)))
    assert trainer.args.report_to == []
    assert sinks.arguments((), "run", tmp_path) == {"report_to": "none"}


def test_names_go_to_the_trainer_and_files_into_the_run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TENSORBOARD_LOGGING_DIR", raising=False)
    monkeypatch.setenv("WANDB_DIR", "/mine")
    monkeypatch.delenv("TRACKIO_DIR", raising=False)
    given = sinks.arguments(("tensorboard",), "complexity-1", tmp_path)
    assert (given["report_to"], given["run_name"]) == (["tensorboard"], "complexity-1")
    import os

    assert os.environ["TENSORBOARD_LOGGING_DIR"] == str(tmp_path / "tensorboard")
    assert os.environ["WANDB_DIR"] == "/mine"
