"""What is taught and how good it is. A task is one file of finetune/tasks that ends in `TASK = Task(...)`."""

from functools import lru_cache
from typing import TYPE_CHECKING

from backends.errors import NotFound
from backends.registry import discover

if TYPE_CHECKING:
    from finetune.task import Task

#: what a visitor lands on: its answer takes about a second and is a picture, and it beats its base by far
OPENS_WITH = "complexity"


@lru_cache(maxsize=1)
def all_tasks() -> dict[str, "Task"]:
    """Every task by name: first the one that the page opens with, then those that ship a measured adapter.

    The folder is read at the first call, not at import.
    """
    from finetune import examples
    from finetune import tasks as folder

    def place(name: str) -> tuple[bool, bool]:
        return name != OPENS_WITH, not examples.report_path(name).is_file()

    found = discover(folder, "TASK")
    return {name: found[name] for name in sorted(found, key=place)}


@lru_cache(maxsize=1)
def probes() -> dict[str, "Task"]:
    """What any adapter can be asked though none is made for it; no list of tasks names them."""
    from finetune.compare import forgetting

    return {forgetting.TASK.name: forgetting.TASK}


def task_named(name: str) -> "Task":
    if name in all_tasks():
        return all_tasks()[name]
    if name in probes():
        return probes()[name]
    raise NotFound(f"There is no task {name[:60]!r}; known: {', '.join(all_tasks())}")
