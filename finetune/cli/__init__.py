"""The command line: `python -m finetune COMMAND`. Every command lives in a file of this folder and adds itself."""

import argparse
import os
import sys
from collections.abc import Sequence

from backends.errors import AppError
from backends.files import dump_json
from finetune.cli import catalog, check, deploy, estimate, evaluate, evidence, generate, label, runs, votes
from finetune.cli.common import FAILED

ABOUT = "Run LoRA adapters, fine-tune new ones and prove whether they beat the base."


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m finetune", description=ABOUT)
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (catalog, check, label, estimate, runs, generate, evaluate, evidence, votes, deploy):
        module.add(commands)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 it failed or was refused, 2 wrong usage (by argparse)."""
    args = parser().parse_args(argv)
    try:
        return args.handler(args)
    except AppError as error:
        if args.json:
            print(dump_json({"error": error.kind, "message": str(error)}))
        print(f"{args.command}: {error}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # the reader (head, less) has seen enough; without this the interpreter complains at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
