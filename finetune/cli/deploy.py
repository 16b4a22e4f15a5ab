"""`deploy space OWNER/NAME`: publish this app as a Hugging Face Space."""

import argparse
from typing import Any

from finetune.cli.common import DONE, command, emit, progress


def add(commands: Any) -> None:
    parser = commands.add_parser("deploy", help="publish this app", description="publish this app")
    targets = parser.add_subparsers(dest="target", required=True, metavar="space")
    one = command(targets, "space", space, "create or renew a Hugging Face Space, private first")
    one.add_argument("repo", metavar="OWNER/NAME")
    one.add_argument("--hardware", default="zero-a10g", help="zero-a10g (default) or cpu-basic")
    one.add_argument("--bucket", metavar="ID", help="storage bucket to mount, so that runs survive a restart")
    one.add_argument("--public", action="store_true", help="open to everybody from the start")


def space(args: argparse.Namespace) -> int:
    from finetune.deploy import deploy_space

    progress(f"Publishing {args.repo} ...")
    made = deploy_space(args.repo, args.hardware, args.bucket, private=not args.public)
    emit(args, made, f"{made['url']}\nBuild: {made['stage']} on {made['hardware']}")
    return DONE
