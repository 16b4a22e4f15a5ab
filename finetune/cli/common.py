"""What every command shares: one JSON document or a plain table on stdout, progress on stderr, exit codes."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backends import adapters
from backends.catalog import REMOTE
from backends.errors import BadInput
from backends.files import dump_json
from backends.settings import settings
from finetune import ask, examples, task_named
from finetune.task import Task

DONE, FAILED, USAGE = 0, 1, 2

Handler = Callable[[argparse.Namespace], int]


def command(
    commands: Any, name: str, handler: Handler, help: str, aliases: Sequence[str] = ()
) -> argparse.ArgumentParser:
    """Add a command with the flags that all have."""
    parser = commands.add_parser(name, help=help, description=help, aliases=list(aliases))
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(handler=handler)
    return parser


def emit(args: argparse.Namespace, value: Any, text: str | None = None) -> None:
    """Print the result: the JSON document with --json, else the words."""
    print(
        dump_json(value) if args.json else text if text is not None else dump_json(value, indent=1),
        flush=True,
    )


def progress(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)


class Ticker:
    """A progress line on stderr: rewritten in place on a terminal, one line per change elsewhere."""

    def __init__(self) -> None:
        self.live, self.last = sys.stderr.isatty(), ""

    def __call__(self, text: str) -> None:
        if text == self.last:
            return
        self.last = text
        progress(f"\r\033[K{text}" if self.live else text, end="" if self.live else "\n")

    def done(self) -> None:
        if self.live and self.last:
            progress("")


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Aligned columns, for a person; scripts use --json."""
    if not rows:
        return "(none)"
    cells = [[str("" if row.get(c) is None else row.get(c)) for c in columns] for row in rows]
    widths = [max(len(c), *(len(line[i]) for line in cells)) for i, c in enumerate(columns)]
    lines = [columns, ["-" * w for w in widths], *cells]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def task_and_adapter(args: argparse.Namespace) -> tuple[Task, str | None]:
    """The task and the adapter asked for; without --adapter the one that ships for the task, where it can answer.

    NotFound names an adapter that is not here, before an engine starts.
    """
    task = task_named(args.task)
    default = None if args.engine == "openai_http" else default_adapter(task)
    adapter = args.adapter if args.adapter is not None else default
    return task, None if adapter in ask.BASE_NAMES else adapters.find(settings(), adapter).name


def base_asked(args: argparse.Namespace) -> str:
    """The base of --base; on an OpenAI-compatible server the model of --model or of the environment."""
    if args.engine != "openai_http":
        return args.base
    model = args.model or settings().openai_model
    if not model:
        raise BadInput("--engine openai_http needs --model M (or ACR_OPENAI_MODEL): a model that the server serves")
    return REMOTE + model


def default_adapter(task: Task) -> str | None:
    return task.name if (examples.FOLDER / task.name / "adapter").is_dir() else None
