"""One xllamacpp Server: a base and a fixed list of adapters, asked over its own HTTP on loopback.

HTTP and not the direct call, because only its native /completion tells which adapter scales an answer had, and because
dropping the connection cancels.
"""

import json
import secrets
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from backends.base import Cancelled
from backends.errors import BadInput, Refused, Unavailable

#: seconds between looks at whether the asker is gone while the engine works on a prompt
LOOK = 0.05


class LlamaServer:
    """Loads in about 1.5 s. It stops when the last reference to it goes."""

    CONTEXT = 2048

    def __init__(self, base: Path, files: Sequence[Path], parallel: int, threads: int) -> None:
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(base)
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        params.n_parallel = parallel
        params.n_ctx = self.CONTEXT * parallel
        params.swa_full = True  # without it Gemma's sliding window keeps no prefix
        params.cache_ram_mib = 64
        params.verbosity = -1
        self._key = secrets.token_urlsafe(32)
        params.api_keys = [self._key]
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(file), 1.0) for file in files]
        self.files = tuple(files)
        try:
            self._server = xllamacpp.Server(params)
        except RuntimeError as error:
            raise Unavailable(f"llama.cpp could not load {base.name} with {len(files)} adapters: {error}") from None
        # a server that never answered hangs when it is dropped
        self._server.handle_completions({"prompt": "a", "max_tokens": 1})

    def warm(self) -> None:
        """The first grammar of a server builds a table of the vocabulary, 1.5 s: better before anybody waits for it."""
        self._server.handle_completions({"prompt": "a", "max_tokens": 1, "grammar": '%llguidance {}\nstart: "a"'})

    def scales(self, file: Path | None) -> list[dict[str, Any]]:
        """The `lora` field that switches on the adapter in `file` and all others off; None = the base alone."""
        return [{"id": at, "scale": float(known == file)} for at, known in enumerate(self.files)]

    def stream(self, body: dict[str, Any], cancelled: Cancelled) -> Generator[dict[str, Any], None, None]:
        """Events of /completion up to the one with `stop: true`; ends without it once `cancelled()`."""
        done = threading.Event()
        with closing(self._connect()) as connection:
            threading.Thread(target=_hang_up, args=(connection, cancelled, done), daemon=True).start()
            try:
                for line in self._post(connection, body | {"stream": True}):
                    if cancelled():
                        return
                    if line.startswith(b"data: {"):
                        event = json.loads(line[6:])
                        yield event
                        if event["stop"]:
                            return
                    elif line.startswith(b"error: "):
                        raise _error(json.loads(line[7:]))
            except (OSError, HTTPException):  # also our own hanging up
                pass
            finally:
                done.set()
            if not cancelled():
                raise Unavailable("llama.cpp broke off the answer; ask again")

    def likeliest(self, prompt: list[int], lora: list[dict[str, Any]], count: int) -> dict[int, float]:
        """Log-probabilities of the `count` likeliest next tokens."""
        told = self._told(prompt, lora, {"n_predict": 1, "n_probs": count})
        return {entry["id"]: entry["logprob"] for entry in told[0]["top_logprobs"]}

    def score(self, prompt: list[int], lora: list[dict[str, Any]], answer: list[int], grammar: str) -> float:
        """Log-probability of these tokens as the answer. The grammar forces them; what is told is unaware of it."""
        # the choices share their prompt, and rows of a test set its beginning: half the time, and no text to change
        kept = {"cache_prompt": True}
        told = self._told(prompt, lora, {"n_predict": len(answer), "n_probs": 1, "grammar": grammar} | kept)
        if [entry["id"] for entry in told] != answer:
            raise Refused("The engine did not score the answer that was asked for; nothing is known of it")
        return sum(entry["logprob"] for entry in told)

    def _told(self, prompt: list[int], lora: list[dict[str, Any]], asked: dict[str, Any]) -> list[dict[str, Any]]:
        """What the engine tells of the probabilities of each token of an answer."""
        body = {"prompt": prompt, "lora": lora, "temperature": 0, "top_k": 1, "cache_prompt": False} | asked
        with closing(self._connect()) as connection:
            answer = json.loads(b"".join(self._post(connection, body)))
        check_scales(answer, lora)
        return list(answer["completion_probabilities"])

    def _connect(self) -> HTTPConnection:
        address = urlsplit(self._server.listening_address)
        return HTTPConnection(address.hostname or "127.0.0.1", address.port)

    def _post(self, connection: HTTPConnection, body: dict[str, Any]) -> Iterator[bytes]:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        connection.request("POST", "/completion", json.dumps(body), headers)
        with connection.getresponse() as response:
            if response.status != 200:
                raise _error(json.loads(response.read()))
            yield from response


def _hang_up(connection: HTTPConnection, cancelled: Cancelled, done: threading.Event) -> None:
    """Cut the connection when the asker goes while the engine is silent, working on a long prompt."""
    while not done.wait(LOOK):
        if cancelled():
            with suppress(OSError, AttributeError):
                connection.sock.shutdown(2)
            return


def check_scales(event: dict[str, Any], asked: list[dict[str, Any]]) -> None:
    """The engine speaks last about who answered."""
    told = event["generation_settings"]["lora"]
    if {(entry["id"], entry["scale"]) for entry in told} != {(entry["id"], entry["scale"]) for entry in asked}:
        raise Refused(f"The engine answered with adapter scales {told} instead of {asked}; its answer is not used")


def _error(answer: dict[str, Any]) -> BadInput | Unavailable:
    error = answer.get("error", answer)
    kind = BadInput if error.get("code") == 400 else Unavailable
    return kind(f"llama.cpp refused the request: {error.get('message', 'no reason given')}")
