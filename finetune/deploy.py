"""Publish this app as a Hugging Face Space: its card is checked first, the Space starts private.

Files go up through `upload_folder`, because a plain git push of binaries is refused there. Only what the app
needs goes up, named folder by folder, so that a `.env` or a key that lies beside the code never does.
"""

import re
import secrets
from pathlib import Path

from backends.bases.hub import explained
from backends.errors import BadInput
from backends.settings import ROOT

HARDWARE = ("zero-a10g", "cpu-basic")
KEPT = "/data"  # where the app looks for a mounted bucket
CODE = ("app.py", "ui/**", "backends/**", "finetune/**", "examples/**", "tests/**")
PAGES = (
    *("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "NOTICE"),
    *("requirements.txt", "constraints.txt", "pyproject.toml", "Makefile"),
)
LEFT_OUT = ("*/__pycache__/*", "*/.*", "*.pyc")
VARIABLES = {
    "GRADIO_SSR_MODE": "false",  # large models make the health check of server rendering time out
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
SHORT = 60  # the Hub rejects longer short_descriptions
#: what a Space brings itself, in versions of its own: an exact pin breaks its installation
OWN_TO_SPACES = ("torch", "gradio", "spaces", "huggingface_hub")


def deploy_space(
    repo_id: str,
    hardware: str = "zero-a10g",
    bucket: str | None = None,
    *,
    private: bool = True,
    folder: Path = ROOT,
    endpoint: str | None = None,
    token: str | None = None,
) -> dict[str, str]:
    """Create or renew the Space `repo_id`; returns its address and its build state."""
    from huggingface_hub import HfApi, Volume

    _check_arguments(repo_id, hardware)
    if problems := check_card(folder):
        raise BadInput("This folder is not ready to be a Space: " + "; ".join(problems))
    api = HfApi(endpoint=endpoint, token=token)
    with explained(repo_id, endpoint, kind="spaces/"):
        made = {"repo_type": "space", "space_sdk": "gradio", "space_hardware": hardware}
        url = api.create_repo(repo_id, private=private, exist_ok=True, **made)
        for key, value in VARIABLES.items():
            api.add_space_variable(repo_id, key, value)
        if "ACR_SECRET" not in api.get_space_secrets(repo_id):  # a new one would forget every visitor
            api.add_space_secret(repo_id, "ACR_SECRET", secrets.token_hex(32))
        if bucket:
            api.set_space_volumes(repo_id, [Volume(type="bucket", source=bucket, mount_path=KEPT)])
        upload = {"repo_type": "space", "commit_message": "Adapter Control Room"}
        api.upload_folder(
            repo_id=repo_id,
            folder_path=folder,
            allow_patterns=[*CODE, *PAGES],
            ignore_patterns=list(LEFT_OUT),
            **upload,
        )
        runtime = api.get_space_runtime(repo_id)
        if hardware not in (runtime.hardware, runtime.requested_hardware):
            runtime = api.request_space_hardware(repo_id, hardware)
    return {"url": str(url), "stage": str(runtime.stage), "hardware": hardware}


def check_card(folder: Path) -> list[str]:
    """What the Hub or the build would stumble over in README.md and requirements.txt; empty = ready."""
    card = front_matter((folder / "README.md").read_text(encoding="utf-8"))
    wanted = {"sdk": "gradio", "python_version": "3.12", "license": "other"}
    problems = [f"{key} in README.md must be {v}" for key, v in wanted.items() if card.get(key) != v]
    if not re.fullmatch(r"\d+\.\d+\.\d+", card.get("sdk_version", "")):
        problems.append("sdk_version in README.md must be an exact version of gradio")
    if not (folder / card.get("app_file", "-")).is_file():
        problems.append("app_file in README.md must name a file that is here")
    if not 0 < len(card.get("short_description", "")) <= SHORT:
        problems.append(f"short_description in README.md must have 1 to {SHORT} characters")
    for key in ("title", "startup_duration_timeout", "suggested_hardware"):
        if not card.get(key):
            problems.append(f"README.md has no {key}")
    return problems + _check_requirements(folder / "requirements.txt", card.get("sdk_version", ""))


def front_matter(text: str) -> dict[str, str]:
    """The card's settings as text; flat on purpose (`key: value`), so that no YAML loader is needed."""
    found = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    lines = found[1].splitlines() if found else []
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {key.strip(): value.strip().strip("\"'") for key, value in pairs}


def _check_requirements(path: Path, gradio: str) -> list[str]:
    from packaging.requirements import Requirement

    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    needs = {need.name.lower(): need for need in map(Requirement, filter(None, lines))}
    problems = [
        f"{name} in requirements.txt must not be pinned with ==: a Space brings its own"
        for name in OWN_TO_SPACES
        if name in needs and any(part.operator in ("==", "===") for part in needs[name].specifier)
    ]
    if "torch" in needs and "2.11.0" not in needs["torch"].specifier:
        problems.append("torch in requirements.txt must allow 2.11.0, the one that ZeroGPU has")
    if "gradio" in needs and gradio and gradio not in needs["gradio"].specifier:
        problems.append(f"gradio in requirements.txt does not allow sdk_version {gradio}")
    return problems


def _check_arguments(repo_id: str, hardware: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*/[A-Za-z0-9][\w.-]*", repo_id, re.ASCII):
        raise BadInput(f"A Space is named OWNER/NAME, got {repo_id[:80]!r}")
    if hardware not in HARDWARE:
        raise BadInput(f"Hardware {hardware[:40]!r} is not offered here; choose from {', '.join(HARDWARE)}")
