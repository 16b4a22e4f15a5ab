"""The engine for OpenAI-compatible servers, asked at a loopback peer: what came, or how it was refused."""

from dataclasses import replace
from typing import Any

import pytest

from backends import catalog
from backends.base import Chunk, Request, Segment
from backends.engines.openai_http import OpenAiHttp
from backends.errors import AppError
from backends.settings import Settings
from tests.parts.openai_peer import KEY, MODEL, Answer, Peer, peer

BASE = catalog.REMOTE + MODEL


def engine(server: Peer, settings: Settings, seconds: float = 60.0) -> OpenAiHttp:
    return OpenAiHttp(replace(settings, openai_url=server.url, openai_key=KEY, openai_seconds=seconds), 1)


def asked(text: str = "hello", **options: Any) -> Request:
    return Request(**({"base": BASE, "prompt": (Segment(text),)} | options))


def told(server: Peer, settings: Settings, seconds: float = 60.0, **options: Any) -> list[Chunk]:
    return list(engine(server, settings, seconds).generate(asked(**options), lambda: False))


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def refusal(settings: Settings, *answers: Answer, seconds: float = 60.0) -> AppError:
    with peer(*answers) as server, pytest.raises(AppError) as caught:
        told(server, settings, seconds)
    assert KEY not in str(caught.value) and "\n" not in str(caught.value)
    return caught.value
