"""A stand-in for the Hugging Face Hub on a loopback port, as much of its HTTP interface as the project uses.

Covered: info, trees and files of models and data sets (gated and missing ones too), creating a Space, uploads
(regular and LFS), variables, secrets, volumes, hardware and the build state, the price list of Jobs. Not covered: xet
transfers, OAuth, jobs themselves.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "1234567890abcdef1234567890abcdef12345678"


@dataclass
class Space:
    """What a real Space would hold after the calls it received."""

    created: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    volumes: list[dict[str, Any]] = field(default_factory=list)
    hardware: str = "cpu-basic"


@dataclass
class Answer:
    """One HTTP answer; `error` is the Hub's own error code header."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: Any, status: int = 200) -> "Answer":
        return cls(json.dumps(value).encode(), status, {"content-type": "application/json"})

    @classmethod
    def refused(cls, status: int, code: str, message: str = "") -> "Answer":
        return cls(b"{}", status, {"x-error-code": code, "x-error-message": message or code})


class LoopbackHub:
    """`with LoopbackHub() as hub: HfApi(endpoint=hub.url)`; fill `models`, look into `spaces` and `asked`.

    A data set is an entry of `models` and of `gated` whose name begins with "datasets/".
    """

    def __init__(self) -> None:
        self.models: dict[str, dict[str, bytes]] = {}
        self.commits: dict[str, str] = {}
        self.gated: set[str] = set()
        self.spaces: dict[str, Space] = {}
        self.blobs: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self.prices: Answer = Answer.refused(503, "Unavailable")
        self.refuse_create: Answer | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "LoopbackHub":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def files_asked(self) -> set[str]:
        return {path.rsplit("/", 1)[-1] for method, path in self.asked if method == "GET" and "/resolve/" in path}

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        self.asked.append((method, path))
        for verb, pattern, route in ROUTES:
            if verb == method and (found := re.fullmatch(pattern, path)):
                return route(self, body, *found.groups())
        return Answer.refused(404, "EntryNotFound", f"no such route here: {method} {path}")


def model_info(hub: LoopbackHub, body: bytes, repo: str, revision: str | None = None) -> Answer:
    if repo not in hub.models:
        return Answer.refused(401, "RepoNotFound")
    return Answer.json({"id": repo, "sha": hub.commits.get(repo, COMMIT), "siblings": [], "tags": []})


def model_tree(hub: LoopbackHub, body: bytes, repo: str, revision: str) -> Answer:
    if repo not in hub.models:
        return Answer.refused(401, "RepoNotFound")
    entries = [
        {"type": "file", "path": path, "size": len(data), "oid": _oid(data)} for path, data in hub.models[repo].items()
    ]
    return Answer.json(entries)


def model_file(hub: LoopbackHub, body: bytes, repo: str, revision: str, path: str) -> Answer:
    if repo in hub.gated:
        return Answer.refused(403, "GatedRepo", "Access to this model is restricted")
    data = hub.models.get(repo, {}).get(path)
    if data is None:
        return Answer.refused(404, "EntryNotFound")
    return Answer(data, headers={"etag": f'"{_oid(data)}"', "x-repo-commit": revision})


def folder_tree(hub: LoopbackHub, body: bytes, repo: str, revision: str, folder: str | None) -> Answer:
    """What lies in a folder of a data set, with the folders in it."""
    inside = f"{folder}/" if folder else ""
    held = {path: data for path, data in hub.models.get(repo, {}).items() if path.startswith(inside)}
    if not held:
        return Answer.refused(404, "EntryNotFound")
    files = [{"type": "file", "path": path, "size": len(data), "oid": _oid(data)} for path, data in held.items()]
    folders = {path.rsplit("/", 1)[0] for path in held if "/" in path} - {folder}
    return Answer.json([*files, *({"type": "directory", "path": p, "oid": _oid(p.encode())} for p in folders)])


def may_read(hub: LoopbackHub, body: bytes, repo: str) -> Answer:
    return Answer.refused(403, "GatedRepo") if repo in hub.gated else model_info(hub, body, repo)


def paths_info(hub: LoopbackHub, body: bytes, repo: str, revision: str) -> Answer:
    """Of the paths asked for, those that are there: files, and the folders that files lie in."""
    asked = [unquote(path) for path in re.findall(r"paths=([^&]*)", body.decode())]
    asked = asked or json.loads(body or b"{}").get("paths", [])
    held = hub.models.get(repo, {})
    files = [{"type": "file", "path": p, "size": len(held[p]), "oid": _oid(held[p])} for p in asked if p in held]
    folders = [p for p in asked if any(path.startswith(f"{p}/") for path in held)]
    return Answer.json([*files, *({"type": "directory", "path": p, "oid": _oid(p.encode())} for p in folders)])


def create(hub: LoopbackHub, body: bytes) -> Answer:
    if hub.refuse_create:
        return hub.refuse_create
    asked = json.loads(body)
    name = f"{asked['organization']}/{asked['name']}"
    if name in hub.spaces:
        said = {"error": "You already created this space repo", "url": f"{hub.url}/spaces/{name}"}
        return Answer.json(said, 409)
    hub.spaces[name] = Space(asked, hardware=asked.get("hardware", "cpu-basic"))
    return Answer.json({"url": f"{hub.url}/spaces/{name}", "name": name})


def space_info(hub: LoopbackHub, body: bytes, repo: str) -> Answer:
    return Answer.json({"id": repo, "sha": COMMIT}) if repo in hub.spaces else Answer.refused(401, "RepoNotFound")


def preupload(hub: LoopbackHub, body: bytes, repo: str) -> Answer:
    def mode(path: str) -> str:
        return "lfs" if path.endswith((".safetensors", ".png")) else "regular"

    files = json.loads(body)["files"]
    return Answer.json(
        {"files": [{"path": f["path"], "uploadMode": mode(f["path"]), "shouldIgnore": False} for f in files]}
    )


def lfs_batch(hub: LoopbackHub, body: bytes, repo: str) -> Answer:
    objects = json.loads(body)["objects"]
    actions = [{**o, "actions": {"upload": {"href": f"{hub.url}/lfs/{o['oid']}"}}} for o in objects]
    return Answer.json({"transfer": "basic", "objects": actions})


def lfs_put(hub: LoopbackHub, body: bytes, oid: str) -> Answer:
    hub.blobs[oid] = body
    return Answer(status=200 if hashlib.sha256(body).hexdigest() == oid else 400)


def commit(hub: LoopbackHub, body: bytes, repo: str) -> Answer:
    for line in body.splitlines():
        entry = json.loads(line)
        value = entry["value"]
        if entry["key"] == "file":
            hub.spaces[repo].files[value["path"]] = base64.b64decode(value["content"])
        elif entry["key"] == "lfsFile":
            hub.spaces[repo].files[value["path"]] = hub.blobs[value["oid"]]
        elif entry["key"] == "deletedFile":
            hub.spaces[repo].files.pop(value["path"], None)
    return Answer.json({"commitUrl": f"{hub.url}/spaces/{repo}/commit/{COMMIT}", "commitOid": COMMIT})


def space_tree(hub: LoopbackHub, body: bytes, repo: str, revision: str) -> Answer:
    files = hub.spaces[repo].files
    return Answer.json([{"type": "file", "path": p, "size": len(d), "oid": _oid(d)} for p, d in files.items()])


def keys(hub: LoopbackHub, body: bytes, repo: str, kind: str) -> Answer:
    held = getattr(hub.spaces[repo], kind)
    # secrets can be written, never read
    return Answer.json({key: {} if kind == "secrets" else {"value": value} for key, value in held.items()})


def set_key(hub: LoopbackHub, body: bytes, repo: str, kind: str) -> Answer:
    asked = json.loads(body)
    getattr(hub.spaces[repo], kind)[asked["key"]] = asked["value"]
    return keys(hub, body, repo, kind)


def volumes(hub: LoopbackHub, body: bytes, repo: str) -> Answer:
    hub.spaces[repo].volumes = json.loads(body)["volumes"]
    return Answer.json({})


def hardware(hub: LoopbackHub, body: bytes, repo: str) -> Answer:
    hub.spaces[repo].hardware = json.loads(body)["flavor"]
    return runtime(hub, body, repo)


def runtime(hub: LoopbackHub, body: bytes, repo: str) -> Answer:
    space = hub.spaces[repo]
    stage = "BUILDING" if "app.py" in space.files else "NO_APP_FILE"
    return Answer.json({"stage": stage, "hardware": {"current": None, "requested": space.hardware}})


NAME = r"([\w.-]+/[\w.-]+)"
DATASET = rf"(datasets/{NAME[1:-1]})"
ROUTES: list[tuple[str, str, Callable[..., Answer]]] = [
    ("GET", rf"/api/models/{NAME}", model_info),
    ("GET", rf"/api/models/{NAME}/revision/(.+)", model_info),
    ("GET", rf"/api/models/{NAME}/tree/(.+)", model_tree),
    ("HEAD", rf"/{NAME}/resolve/([^/]+)/(.+)", model_file),
    ("GET", rf"/{NAME}/resolve/([^/]+)/(.+)", model_file),
    ("GET", rf"/api/{DATASET}", model_info),
    ("GET", rf"/api/{DATASET}/revision/(.+)", model_info),
    ("GET", rf"/api/{DATASET}/auth-check", may_read),
    ("GET", rf"/api/{DATASET}/tree/([^/]+)(?:/(.+))?", folder_tree),
    ("POST", rf"/api/{DATASET}/paths-info/(.+)", paths_info),
    ("HEAD", rf"/{DATASET}/resolve/([^/]+)/(.+)", model_file),
    ("GET", rf"/{DATASET}/resolve/([^/]+)/(.+)", model_file),
    ("GET", "/api/jobs/hardware", lambda hub, body: hub.prices),
    ("POST", "/api/repos/create", create),
    ("GET", rf"/api/spaces/{NAME}", space_info),
    ("POST", "/api/validate-yaml", lambda hub, body: Answer.json({"errors": [], "warnings": []})),
    ("POST", rf"/api/spaces/{NAME}/preupload/main", preupload),
    ("POST", rf"/spaces/{NAME}\.git/info/lfs/objects/batch", lfs_batch),
    ("PUT", r"/lfs/(\w+)", lfs_put),
    ("POST", rf"/api/spaces/{NAME}/commit/main", commit),
    ("GET", rf"/api/spaces/{NAME}/tree/(.+)", space_tree),
    ("GET", rf"/api/spaces/{NAME}/(variables|secrets)", keys),
    ("POST", rf"/api/spaces/{NAME}/(variables|secrets)", set_key),
    ("PUT", rf"/api/spaces/{NAME}/volumes", volumes),
    ("POST", rf"/api/spaces/{NAME}/hardware", hardware),
    ("GET", rf"/api/spaces/{NAME}/runtime", runtime),
]


def _oid(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


def _part(answer: Answer, wanted: str | None) -> Answer:
    """Only the bytes that were asked for, as streams of large files do."""
    if not (wanted and answer.status == 200):
        return answer
    first, last = wanted.removeprefix("bytes=").split("-")
    part = answer.body[int(first) : int(last) + 1 if last else None]
    place = f"bytes {first}-{int(first) + len(part) - 1}/{len(answer.body)}"
    return Answer(part, 206, answer.headers | {"content-range": place})


def _handler(hub: LoopbackHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def body(self) -> bytes:
            if self.headers.get("transfer-encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("content-length") or 0))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def serve(self) -> None:
            answer = hub.answer(self.command, unquote(urlsplit(self.path).path), self.body())
            answer = _part(answer, self.headers.get("range")) if self.command == "GET" else answer
            self.send_response(answer.status)
            for key, value in answer.headers.items():
                self.send_header(key, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        do_GET = do_HEAD = do_POST = do_PUT = serve

    return Handler
