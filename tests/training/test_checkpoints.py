"""Checkpoints: complete and unchanged, or not used."""

from pathlib import Path
from typing import Any

import pytest
import torch

from backends.errors import Refused
from backends.files import write_json
from finetune.training import checkpoints


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


def save(folder: Path, step: int, **state: Any) -> Path:
    with checkpoints.writing(folder, step) as part:
        checkpoints.save_tree({"weights": torch.full((64,), float(step))}, part / "progress")
        write_json(part / checkpoints.STATE, state)
    return folder / f"step-{step}"


def test_the_newest_is_the_highest_step_not_the_last_name(folder: Path) -> None:
    for step in (9, 100, 20):
        save(folder, step)
    assert checkpoints.newest_complete(folder) == folder / "step-100"


def test_without_checkpoints_there_is_no_newest(folder: Path) -> None:
    assert checkpoints.newest_complete(folder) is None


def test_a_failure_while_writing_leaves_the_older_ones_and_nothing_else(folder: Path) -> None:
    save(folder, 1)
    with pytest.raises(OSError, match="full"), checkpoints.writing(folder, 2) as part:
        (part / "half").write_text("x")
        raise OSError("full")
    assert [path.name for path in folder.iterdir()] == ["step-1"]


def test_a_run_folder_that_was_removed_is_not_made_again(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), checkpoints.writing(tmp_path / "gone" / "checkpoints", 1):
        pass
    assert not (tmp_path / "gone").exists()


def flip_a_byte(checkpoint: Path) -> None:
    path = checkpoint / "progress.safetensors"
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)


def truncate(checkpoint: Path) -> None:
    path = checkpoint / "progress.safetensors"
    path.write_bytes(path.read_bytes()[:-8])


def remove_a_file(checkpoint: Path) -> None:
    (checkpoint / "progress.json").unlink()


def remove_the_mark(checkpoint: Path) -> None:
    (checkpoint / checkpoints.COMPLETE).unlink()


def break_the_digests(checkpoint: Path) -> None:
    (checkpoint / checkpoints.DIGESTS).write_text("{")


def plant_a_pickle(checkpoint: Path) -> None:
    (checkpoint / "scaler.pt").write_bytes(b"cos\nsystem\n(S'touch canary'\ntR.")


def replace_a_file_by_a_link(checkpoint: Path) -> None:
    path = checkpoint / "progress.json"
    path.rename(checkpoint.parent / "elsewhere")
    path.symlink_to(checkpoint.parent / "elsewhere")


DAMAGES = (
    flip_a_byte,
    truncate,
    remove_a_file,
    remove_the_mark,
    break_the_digests,
    plant_a_pickle,
    replace_a_file_by_a_link,
)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_skipped_and_said_and_the_one_before_is_used(folder: Path, damage: Any) -> None:
    save(folder, 1)
    damage(save(folder, 2))
    said: list[str] = []
    assert checkpoints.newest_complete(folder, said.append) == folder / "step-1"
    assert len(said) == 1 and said[0].startswith("Checkpoint step-2 is skipped: ")


def test_a_checkpoint_that_is_a_link_to_another_place_is_not_used(folder: Path, tmp_path: Path) -> None:
    save(folder, 1)
    save(tmp_path / "other", 2).rename(tmp_path / "outside")
    (folder / "step-2").symlink_to(tmp_path / "outside")
    assert checkpoints.newest_complete(folder, lambda text: None) == folder / "step-1"


def test_pruning_keeps_what_it_is_told_and_the_newest_two(folder: Path) -> None:
    for step in (1, 2, 3, 9, 10):
        save(folder, step)
    checkpoints.prune(folder, keep={2})
    assert sorted(path.name for path in folder.iterdir()) == ["step-10", "step-2", "step-9"]


def test_sweeping_removes_what_a_kill_left_behind_and_no_checkpoint(folder: Path) -> None:
    save(folder, 1)
    for rest in (".step-2.partial", ".step-0.doomed"):
        (folder / rest).mkdir()
    checkpoints.sweep(folder)
    assert [path.name for path in folder.iterdir()] == ["step-1"]


def test_the_best_is_the_one_that_the_newest_remembers(folder: Path) -> None:
    best, newest = save(folder, 1), save(folder, 2, best_global_step=1)
    assert checkpoints.best_of(newest) == best
    assert checkpoints.best_of(best) == best


def test_a_damaged_best_gives_way_to_the_newest(folder: Path) -> None:
    flip_a_byte(save(folder, 1))
    newest = save(folder, 2, best_global_step=1)
    assert checkpoints.best_of(newest) == newest


def test_a_step_that_is_reached_again_replaces_the_old_one(folder: Path) -> None:
    truncate(save(folder, 1))
    assert checkpoints.newest_complete(save(folder, 1).parent) == folder / "step-1"


def test_a_tree_comes_back_as_it_was(folder: Path) -> None:
    folder.mkdir()
    shared = torch.arange(256, dtype=torch.uint8)
    tree = {
        "state": {0: {"step": torch.tensor(3.0), "code": shared, "half": torch.ones(2, dtype=torch.bfloat16)}},
        "groups": [{"betas": (0.9, 0.999), "lr": 1e-4, "params": [0, 1], "fused": None, "name": "a"}],
        "random": (3, (1, 2, 4294967295), None),
        "again": shared,
    }
    checkpoints.save_tree(tree, folder / "tree")
    back = checkpoints.load_tree(folder / "tree")
    assert back["groups"] == tree["groups"] and back["random"] == tree["random"]
    assert list(back["state"]) == [0]
    for name, tensor in tree["state"][0].items():
        assert back["state"][0][name].dtype == tensor.dtype and torch.equal(back["state"][0][name], tensor)
    assert torch.equal(back["again"], shared)


def test_other_settings_are_refused_by_name(folder: Path) -> None:
    then = {"recipe.learning_rate": 1e-4, "base": "a", "training rows": "12"}
    checkpoints.check_origin(then, dict(then))
    with pytest.raises(Refused, match=r"recipe.learning_rate \(0.0001 then, 0.001 now\); training rows \(12 then"):
        checkpoints.check_origin(then, then | {"recipe.learning_rate": 1e-3, "training rows": "13"})
