"""Checkpoints that are complete or not there: written aside, digested, marked COMPLETE last, renamed.

Tensors go into safetensors and everything else into JSON, so that reading a checkpoint can never run code.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backends.errors import Refused
from backends.files import publish, read_json, sha256_of, write_json

STEP = "step-"
DIGESTS = "digests.json"
COMPLETE = "COMPLETE"
STATE = "trainer_state.json"  # the Trainer's own name for it
CARD = "card.json"
Say = Callable[[str], None]


@contextmanager
def writing(folder: Path, step: int) -> Iterator[Path]:
    """Give a folder to fill; on success it is digested, marked, flushed, renamed `step-N`, else removed."""
    part, final = folder / f".{STEP}{step}.partial", folder / f"{STEP}{step}"
    _remove(part)
    folder.mkdir(exist_ok=True)  # never its parent: a run folder that was removed stays removed
    part.mkdir()
    try:
        yield part
        write_json(part / DIGESTS, {path.name: sha256_of(path) for path in sorted(part.iterdir())})
        (part / COMPLETE).touch()
        _remove(final)  # a damaged one of the same step, which a resumed run reaches again
        publish(part, final)
    finally:
        _remove(part)


def problem(checkpoint: Path) -> str | None:
    """Why a checkpoint must not be used, or None: every file is there, unchanged, and none was added."""
    if checkpoint.is_symlink() or any(path.is_symlink() for path in checkpoint.iterdir()):
        return "it is or holds a link to another place"
    if not (checkpoint / COMPLETE).is_file():
        return "it was not finished"
    digests = read_json(checkpoint / DIGESTS)
    if not isinstance(digests, dict):
        return f"{DIGESTS} is damaged"
    if {path.name for path in checkpoint.iterdir()} != {*digests, DIGESTS, COMPLETE}:
        return "files are missing or were added"
    changed = [name for name, digest in digests.items() if sha256_of(checkpoint / name) != digest]
    return f"{', '.join(changed)} changed since it was written" if changed else None


def newest_complete(folder: Path, say: Say = print) -> Path | None:
    """The newest checkpoint that can be trusted; damaged ones are skipped, and said."""
    for checkpoint in sorted(_steps(folder), key=step_of, reverse=True):
        why = problem(checkpoint)
        if why is None:
            return checkpoint
        say(f"Checkpoint {checkpoint.name} is skipped: {why}")
    return None


def resume_from(folder: Path, say: Say = print) -> Path | None:
    """Where an earlier attempt can be taken up; starting over in silence would throw away what it learned."""
    sweep(folder)
    newest = newest_complete(folder, say)
    if newest:
        say(f"Going on from {newest.name}")
    elif _steps(folder):
        raise Refused("No checkpoint of this run can be trusted any more: start a new run")
    return newest


def best_of(checkpoint: Path) -> Path:
    """The checkpoint with the lowest eval loss, as far as `checkpoint` knows; itself when there is none."""
    best = (read_json(checkpoint / STATE) or {}).get("best_global_step")
    path = checkpoint.parent / f"{STEP}{best}"
    return path if path.is_dir() and problem(path) is None else checkpoint


def prune(folder: Path, keep: set[int]) -> None:
    """Remove all checkpoints but those of the steps in `keep`, and the newest two: one may turn out damaged.

    Each vanishes by a rename, then is emptied.
    """
    for checkpoint in sorted(_steps(folder), key=step_of)[:-2]:
        if step_of(checkpoint) not in keep:
            _remove(checkpoint.rename(folder / f".{checkpoint.name}.doomed"))


def sweep(folder: Path) -> None:
    """Remove what a killed run left half-written or half-removed."""
    for path in folder.glob(f".{STEP}*"):
        _remove(path)


def _remove(path: Path) -> None:
    """A link goes, what it leads to stays."""
    if path.is_symlink():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix(STEP))


def check_origin(saved: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuse to go on from a checkpoint of another recipe, base or data; the differing fields are named."""
    changed = [
        f"{name} ({_shown(saved.get(name))} then, {_shown(now.get(name))} now)"
        for name in sorted({*saved, *now})
        if saved.get(name) != now.get(name)
    ]
    if changed:
        raise Refused(
            f"This run cannot be resumed, it was started with other settings: {'; '.join(changed)}. "
            "Put them back, or start a new run"
        )


def save_tree(tree: Any, path: Path) -> None:
    """Write nested dicts, lists, tuples, numbers and tensors as `path`.json and `path`.safetensors."""
    from safetensors.torch import save_file

    tensors: dict[str, Any] = {}
    write_json(path.with_suffix(".json"), _pack(tree, tensors))
    save_file(tensors, path.with_suffix(".safetensors"))


def load_tree(path: Path) -> Any:
    from safetensors.torch import load_file

    return _unpack(read_json(path.with_suffix(".json")), load_file(path.with_suffix(".safetensors")))


def _pack(value: Any, tensors: dict[str, Any]) -> Any:
    """JSON for `value`; a tensor goes into `tensors` and leaves its number behind."""
    import torch

    if isinstance(value, torch.Tensor):
        name = str(len(tensors))
        # a copy: safetensors refuses shared memory, and the 8-bit optimizers share their code book
        tensors[name] = value.detach().to("cpu", copy=True).contiguous()
        return {"tensor": name}
    if isinstance(value, dict):
        return {"dict": [[key, _pack(item, tensors)] for key, item in value.items()]}  # keys may be numbers
    if isinstance(value, tuple):
        return {"tuple": [_pack(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_pack(item, tensors) for item in value]
    return value


def _unpack(value: Any, tensors: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_unpack(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return tensors[value["tensor"]]
    if "tuple" in value:
        return tuple(_unpack(item, tensors) for item in value["tuple"])
    return {key: _unpack(item, tensors) for key, item in value["dict"]}


def _steps(folder: Path) -> list[Path]:
    return [path for path in folder.glob(f"{STEP}*") if path.name.removeprefix(STEP).isdecimal()]


def _shown(value: Any) -> str:
    return str(value)[:24]
