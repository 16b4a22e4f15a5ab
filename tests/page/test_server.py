"""Who may open the page: hosts, frames, headers and sizes."""

from pathlib import Path

import pytest

from backends.settings import Settings, from_env
from ui import server

LOCAL = Settings(data_dir=Path("/tmp/acr"))
SPACE = from_env({"ACR_DATA_DIR": "/tmp/acr", "SPACE_ID": "someone/room"})


def test_off_a_space_the_page_is_for_this_machine_only() -> None:
    told = server.launch_settings(LOCAL)
    assert "server_name" not in told and told["share"] is False
    assert told["allowed_paths"] == [] and told["blocked_paths"] == ["/tmp/acr"]
    assert not (told["run_history"] or told["enable_monitoring"] or told["show_error"] or told["mcp_server"])
    hosts = [m.kwargs.get("allowed_hosts") for m in told["app_kwargs"]["middleware"]][-1]
    assert set(hosts) == {"localhost", "127.0.0.1", "[::1]"}
    assert server.QUEUE["max_size"] == 64


def test_a_space_may_be_opened_under_any_host_and_framed_by_the_hub_only() -> None:
    told = server.launch_settings(SPACE)
    headers, _ = told["app_kwargs"]["middleware"]
    assert headers.kwargs["framed_by"] == "https://huggingface.co https://*.huggingface.co"
    assert told["max_file_size"] == 20 << 20


@pytest.mark.parametrize(("host", "status"), [("localhost:7860", 200), ("evil.example", 400), ("[::1]:7860", 200)])
def test_a_foreign_host_name_is_refused_and_every_answer_has_the_headers(host: str, status: int) -> None:
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route
    from starlette.testclient import TestClient

    page = Starlette(
        routes=[Route("/", lambda request: PlainTextResponse("page"))], middleware=server.middleware(LOCAL)
    )
    answer = TestClient(page).get("/", headers={"host": host})
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
