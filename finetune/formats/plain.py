"""The prompt format of bases without a chat template: instruction, blank line, labelled fields, a cue."""

from dataclasses import dataclass

from backends.base import Segment
from finetune.formats.wording import AS_THE_TASK, Wording
from finetune.task import Row, Task


@dataclass(frozen=True)
class Plain:
    """The answer follows on its own line; the base's end-of-text token closes it."""

    name: str = "plain"
    end: str | None = None
    between: tuple[Segment, ...] = (Segment("\n\n"),)
    wording: Wording = AS_THE_TASK

    def prompt(self, task: Task, row: Row) -> tuple[Segment, ...]:
        texts = self.wording.texts(task, {f.column: str(row[f.column]).rstrip() for f in task.inputs})
        said = "\n\n".join(text for text in texts if text)
        return (Segment(f"{said}\n{task.cue}\n"),)
