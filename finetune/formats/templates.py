"""The prompt formats that are written down here, byte for byte as the seeds trained them: alpaca, chatml, llama2 ...

A mark that the base knows as a special token becomes that token; elsewhere it is text, as in the seed that trained
Llama's marks on Qwen. Text of a person makes neither: what looks like a mark in it is broken up.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from backends.base import Segment
from finetune.formats.wording import AS_THE_TASK, Wording
from finetune.task import Row, Task

#: stands inside what looks like a mark in a person's text: not seen by a reader, and never what the template writes
BREAK = "\u200b"
SLOTS = re.compile(r"\{(system|instruction|input)\}")


@dataclass(frozen=True)
class Template:
    """A prompt with slots. `opening` goes where `{opening}` stands, and only if there is a system text."""

    name: str
    bare: str  # {instruction}
    paired: str  # {instruction} and {input}
    opening: str = ""
    #: tokens of the template; `special` are those that the base has
    tokens: tuple[str, ...] = ()
    special: tuple[str, ...] = ()
    #: what opens a turn although it is plain text, as a pattern
    words: str = ""
    #: the token that ends an answer, and what follows it before the next question
    closing: str | None = None
    gap: str = "\n\n"
    wording: Wording = AS_THE_TASK

    def on(self, is_special: Callable[[str], bool], wording: Wording) -> "Template":
        """This format for one base, of which `is_special` tells the tokens."""
        return replace(self, special=tuple(token for token in self.tokens if is_special(token)), wording=wording)

    @property
    def end(self) -> str | None:
        return self.closing if self.closing in self.special else None

    @property
    def between(self) -> tuple[Segment, ...]:
        closed = (Segment(self.end, special=True),) if self.end else ()
        return (*closed, Segment(self.gap)) if self.gap else closed

    def prompt(self, task: Task, row: Row) -> tuple[Segment, ...]:
        values = {field.column: self._defused(str(row[field.column])) for field in task.inputs}
        texts = self.wording.texts(task, values)
        if not self.opening:  # no place for a system text: what comes first is the instruction, the rest its input
            first, *rest = filter(None, texts)
            texts = "", first, "\n\n".join(rest)
        system, instruction, context = texts
        text = (self.paired if context else self.bare).replace("{opening}", self.opening if system else "")
        return self._segments(text, {"system": system, "instruction": instruction, "input": context})

    def _segments(self, text: str, values: dict[str, str]) -> tuple[Segment, ...]:
        """`text` cut at its special tokens first, so that what is filled in cannot hold one."""
        marks = "|".join(map(re.escape, self.special))
        pieces = re.split(f"({marks})", text) if marks else [text]
        return tuple(
            Segment(piece, special=True)
            if piece in self.special
            else Segment(SLOTS.sub(lambda slot: values[slot[1]], piece))
            for piece in pieces
            if piece
        )

    def _defused(self, text: str) -> str:
        """Special tokens in a text are no danger (its segment is plain); marks that are mere text would be."""
        typed = [re.escape(token) for token in self.tokens if token not in self.special]
        pattern = "|".join(filter(None, [*typed, self.words]))
        return re.sub(pattern, lambda mark: mark[0][:1] + BREAK + mark[0][1:], text) if pattern else text


TURNS = "<|im_start|>user\n{instruction}%s<|im_end|>\n<|im_start|>assistant\n"
HEADER = "<|start_header_id|>%s<|end_header_id|>\n\n"

ALPACA = Template(
    name="alpaca",
    bare=(
        "Below is an instruction that describes a task. Write a response that appropriately completes the request."
        "\n\n### Instruction:\n{instruction}\n\n### Response:\n"
    ),
    paired=(
        "Below is an instruction that describes a task, paired with an input that provides further context. Write a "
        "response that appropriately completes the request."
        "\n\n### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:\n"
    ),
    words=r"### ?(?:Instruction|Input|Response):",
)
CHATML = Template(
    name="chatml",
    bare="{opening}" + TURNS % "",
    paired="{opening}" + TURNS % "\n\nContext: {input}",
    opening="<|im_start|>system\n{system}<|im_end|>\n",
    tokens=("<|im_start|>", "<|im_end|>"),
    closing="<|im_end|>",
    gap="\n",
)
LLAMA2 = Template(
    name="llama2",
    bare="[INST] {opening}{instruction} [/INST] ",
    paired="[INST] {opening}{instruction}\n\nContext: {input} [/INST] ",
    opening="<<SYS>>\n{system}\n<</SYS>>\n\n",
    words=r"\[/?INST\]|<</?SYS>>",
)
PHI = Template(
    name="phi",
    bare="Instruct: {instruction}\nOutput: ",
    paired="Instruct: {instruction}\nInput: {input}\nOutput: ",
    words=r"(?m:^(?:Instruct|Input|Output):)",
)
LLAMA3 = Template(
    name="llama3",
    bare="{opening}" + HEADER % "user" + "{instruction}<|eot_id|>" + HEADER % "assistant",
    paired="{opening}" + HEADER % "user" + "{instruction}\n\n{input}<|eot_id|>" + HEADER % "assistant",
    opening=HEADER % "system" + "{system}<|eot_id|>",
    tokens=("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    closing="<|eot_id|>",
    gap="",
)
GEMMA = Template(
    name="gemma",
    bare="<start_of_turn>user\n{opening}{instruction}<end_of_turn>\n<start_of_turn>model\n",
    paired="<start_of_turn>user\n{opening}{instruction}\n\n{input}<end_of_turn>\n<start_of_turn>model\n",
    opening="{system}\n\n",
    tokens=("<start_of_turn>", "<end_of_turn>"),
    closing="<end_of_turn>",
    gap="\n",
)

TEMPLATES = {template.name: template for template in (ALPACA, CHATML, LLAMA2, PHI, LLAMA3, GEMMA)}
