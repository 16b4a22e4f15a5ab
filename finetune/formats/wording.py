"""What a prompt says of a row, before a format sets it into turns: a system text, the request and its context."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from backends.errors import BadInput
from finetune.task import Task

SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Wording:
    """Texts of one's own, with slots for the row's columns such as `{code}`; None = the words of the task."""

    system: str | None = None
    user: str | None = None
    context: str | None = None

    def texts(self, task: Task, values: Mapping[str, str]) -> tuple[str, str, str]:
        """(system, request, context) for a row; an empty one is left out of the prompt by every format."""
        system = task.instruction if self.system is None else self.system
        labelled = "\n".join(f"{field.label}:\n{values[field.column]}" for field in task.inputs)
        user = labelled if self.user is None else fill(self.user, values)
        return system, user, fill(self.context or "", values)

    def to_json(self) -> dict[str, str]:
        """Only what is one's own: the stamp of a task in its own words is its id and its hash."""
        return {key: value for key, value in asdict(self).items() if value is not None}


#: the words of the task
AS_THE_TASK = Wording()


def from_json(data: Mapping[str, Any]) -> Wording:
    """The wording that a stamp or a recipe holds; its other keys are none of our business."""
    found = {key: data[key] for key in ("system", "user", "context") if data.get(key) is not None}
    if wrong := next((key for key, value in found.items() if not isinstance(value, str)), None):
        raise BadInput(f"format.{wrong}: a text is needed, this is {type(found[wrong]).__name__}")
    return Wording(**found)


def fill(text: str, values: Mapping[str, str]) -> str:
    """One pass over `text`: what is filled in is not looked at again, and braces of other kinds stay."""
    return SLOT.sub(lambda found: values.get(found[1], found[0]), text)
