"""finetune/deploy.py against a stand-in Hub, through the real huggingface_hub client."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.errors import BadInput, Refused, Unavailable
from backends.settings import ROOT
from finetune import deploy
from tests.parts.loopback_hub import Answer, LoopbackHub

pytestmark = pytest.mark.rehearsal
WEIGHTS = b"\x00" * 5000


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    # the stand-in speaks LFS, not xet: the client's own switch says so
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    with LoopbackHub() as server:
        yield server


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A small copy of the app's folder, with things beside it that must never leave the machine."""
    folder = tmp_path / "app"
    for name in ("README.md", "requirements.txt", "LICENSE", "NOTICE"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "app.py").write_text("demo = 1\n")
    private = (".env", ".git/config", ".venv/lib/README.md", "notes.txt", "ui/.env", "venv/lib/pkg/README.md")
    caches = ("ui/__pycache__/a.pyc", ".mypy_cache/x.json", "backends/old.pyc")
    for name in (*private, *caches, "ui/theme.py", "backends/base.py", "examples/t/adapter/card.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("HF_TOKEN=hf_secret")
    (folder / "examples/t/adapter/adapter_model.safetensors").write_bytes(WEIGHTS)
    return folder


def deployed(loopback: LoopbackHub, app: Path, **options: object) -> dict[str, str]:
    return deploy.deploy_space("me/room", folder=app, endpoint=loopback.url, token="hf_test", **options)


def test_the_space_is_made_private_with_its_settings_and_builds(loopback: LoopbackHub, app: Path) -> None:
    made = deployed(loopback, app, bucket="me/runs")
    space = loopback.spaces["me/room"]
    assert made == {"url": f"{loopback.url}/spaces/me/room", "stage": "BUILDING", "hardware": "zero-a10g"}
    assert space.created["visibility"] == "private"
    assert (space.created["sdk"], space.hardware) == ("gradio", "zero-a10g")
    assert space.variables["GRADIO_SSR_MODE"] == "false"
    assert len(space.secrets["ACR_SECRET"]) == 64
    assert space.volumes == [{"type": "bucket", "source": "me/runs", "mountPath": "/data"}]


def test_only_the_app_goes_up_and_binaries_go_as_lfs(loopback: LoopbackHub, app: Path) -> None:
    deployed(loopback, app)
    files = loopback.spaces["me/room"].files
    assert set(files) == {
        "app.py",
        "README.md",
        "requirements.txt",
        "LICENSE",
        "NOTICE",
        "ui/theme.py",
        "backends/base.py",
        "examples/t/adapter/card.json",
        "examples/t/adapter/adapter_model.safetensors",
    }
    assert files["examples/t/adapter/adapter_model.safetensors"] == WEIGHTS
    assert WEIGHTS in loopback.blobs.values()


def test_a_second_deploy_keeps_the_secret_and_moves_the_hardware(loopback: LoopbackHub, app: Path) -> None:
    deployed(loopback, app)
    secret = loopback.spaces["me/room"].secrets["ACR_SECRET"]
    (app / "app.py").write_text("demo = 2\n")
    assert deployed(loopback, app, hardware="cpu-basic")["stage"] == "BUILDING"
    space = loopback.spaces["me/room"]
    assert space.secrets["ACR_SECRET"] == secret
    assert space.hardware == "cpu-basic"
    assert space.files["app.py"] == b"demo = 2\n"


def test_what_the_hub_refuses_is_said_with_its_own_reason(loopback: LoopbackHub, app: Path) -> None:
    body = b'{"error": "You need a PRO subscription to host this Space"}'
    loopback.refuse_create = Answer(body, 402, {"content-type": "application/json"})
    with pytest.raises(Unavailable, match=r"answered 402 for me/room: You need a PRO .*/spaces/me/room"):
        deployed(loopback, app)


def test_an_unreachable_hub_is_one_sentence(app: Path) -> None:
    with LoopbackHub() as gone:
        pass
    with pytest.raises(Unavailable, match="cannot be reached"):
        deployed(gone, app)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("sdk: gradio", "sdk: docker"), "sdk in README.md must be gradio"),
        (('python_version: "3.12"', "python_version: 3.10"), "python_version in README.md must be 3.12"),
        (("license: other", "license: mit"), "license in README.md must be other"),
        (("sdk_version: 6.31.0", "sdk_version: 6.x"), "must be an exact version of gradio"),
        (("sdk_version: 6.31.0", "sdk_version: 5.49.1"), "does not allow sdk_version 5.49.1"),
        (("app_file: app.py", "app_file: main.py"), "app_file in README.md must name a file"),
        (("short_description: ", "short_description: " + "x" * 60), "must have 1 to 60 characters"),
        (("startup_duration_timeout: 1h\n", ""), "has no startup_duration_timeout"),
        (("suggested_hardware: zero-a10g\n", ""), "has no suggested_hardware"),
    ],
)
def test_a_card_that_would_not_build_is_refused_before_any_request(
    loopback: LoopbackHub, app: Path, change: tuple[str, str], problem: str
) -> None:
    card = (app / "README.md").read_text()
    assert change[0] in card
    (app / "README.md").write_text(card.replace(*change, 1))
    with pytest.raises(BadInput, match=problem):
        deployed(loopback, app)
    assert loopback.asked == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("torch==2.13.0", "torch in requirements.txt must not be pinned"),
        ("torch>=2.12", "must allow 2.11.0"),
        ("gradio==6.31.0", "gradio in requirements.txt must not be pinned"),
        ("spaces==0.51.3", "spaces in requirements.txt must not be pinned"),
    ],
)
def test_requirements_that_a_space_cannot_install_are_refused(app: Path, line: str, problem: str) -> None:
    path = app / "requirements.txt"
    name = line.split("=")[0].rstrip(">")
    kept = [old for old in path.read_text().splitlines() if not old.startswith(name)]
    path.write_text("\n".join([*kept, line]))
    assert [found for found in deploy.check_card(app) if problem in found]


def test_our_own_folder_is_ready_to_be_a_space() -> None:
    assert deploy.check_card(ROOT) == []


@pytest.mark.parametrize("name", ["room", "me/room/x", "../room", "me/ room", "me/room\n", ""])
def test_a_name_that_is_none_is_refused(app: Path, loopback: LoopbackHub, name: str) -> None:
    with pytest.raises(BadInput, match="OWNER/NAME"):
        deploy.deploy_space(name, folder=app, endpoint=loopback.url)
    with pytest.raises(BadInput, match="choose from zero-a10g, cpu-basic"):
        deploy.deploy_space("me/room", "h200", folder=app, endpoint=loopback.url)


def test_a_forbidden_space_is_named(loopback: LoopbackHub, app: Path) -> None:
    loopback.refuse_create = Answer.refused(403, "GatedRepo")
    with pytest.raises(Refused, match="spaces/me/room"):
        deployed(loopback, app)


def test_the_command_line_prints_address_and_build_state(loopback: LoopbackHub) -> None:
    env = os.environ | {"HF_ENDPOINT": loopback.url, "HF_TOKEN": "hf_test", "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-m", "finetune", "deploy", "space", "me/room", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["stage"] == "BUILDING"
    assert "app.py" in loopback.spaces["me/room"].files
    assert not [name for name in loopback.spaces["me/room"].files if name.startswith(".") or "__pycache__" in name]
