"""Bases and adapters from the Hugging Face Hub: data files only, of one pinned commit, whole or not there.

The commit is resolved at the first download and written to `revision.json` beside the files; from then on
that commit is meant, whatever its author pushes later. Pickles and Python files are never asked for.
"""

import errno
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backends.base import Report
from backends.catalog import Base, HubAdapter
from backends.errors import AppError, NotFound, Refused, Unavailable
from backends.files import read_json, write_json
from backends.settings import MB, Settings

TOKENIZER_FILES = ("tokenizer*.json", "tokenizer.model", "special_tokens_map.json", "chat_template.*")
BASE_FILES = ("*.safetensors", "*.json", *TOKENIZER_FILES)
ADAPTER_FILES = ("adapter_model.safetensors", "adapter_config.json", "README.md")
SUBFOLDERS = ("*/*",)  # copies in other formats (original/, onnx/, checkpoints): never needed
#: keys of config.json with which a model file once switched on code of its own
FORBIDDEN_KEYS = ("_attn_implementation_internal", "trust_remote_code")


def silent(what: str, fraction: float) -> None:
    """A Report for callers who show nothing."""


def base_dir(settings: Settings, base: Base, report: Report = silent, *, endpoint: str | None = None) -> Path:
    """The folder of a Hub base with weights and tokenizer, downloaded first if it is not here yet."""
    folder = settings.bases_dir / base.name
    if not is_ready(settings, base):
        _check_room(settings, base)
        _fetch(folder, base.hub_id, BASE_FILES, base.revision, report, base.download_mb, endpoint)
        _check_base(folder, base)
        _mark(folder, complete=True)
    return folder


def tokenizer_dir(settings: Settings, base: Base, *, endpoint: str | None = None) -> Path:
    """The same folder with at least the tokenizer in it: all that writing a prompt needs."""
    folder = settings.bases_dir / base.name
    if not (folder / "tokenizer.json").exists():
        _fetch(folder, base.hub_id, TOKENIZER_FILES, base.revision, silent, 50, endpoint)
        if not (folder / "tokenizer.json").exists():
            raise Refused(f"{base.hub_id} has no tokenizer.json, which every local engine needs")
    return folder


def adapter_dir(
    settings: Settings, adapter: HubAdapter, report: Report = silent, *, endpoint: str | None = None
) -> Path:
    """The folder of a published adapter as it was downloaded; backends/adapters.py checks it before use."""
    if adapter.kind != "adapter":
        raise Refused(f"{adapter.title} is a merged model, not an adapter: there is nothing to put on a base")
    folder = settings.cache_dir / "hub-adapters" / adapter.name
    if not (_pin(folder).get("complete")):
        _fetch(folder, adapter.hub_id, ADAPTER_FILES, adapter.revision, report, 200, endpoint)
        if not (folder / "adapter_model.safetensors").exists():
            raise Refused(f"{adapter.hub_id} has no adapter_model.safetensors: only safetensors are loaded here")
        _mark(folder, complete=True)
    return folder


def is_ready(settings: Settings, base: Base) -> bool:
    return bool(_pin(settings.bases_dir / base.name).get("complete"))


def revision(settings: Settings, base: Base) -> str | None:
    """The commit that is pinned here, or None before the first download."""
    return _pin(settings.bases_dir / base.name).get("revision")


def _pin(folder: Path) -> dict[str, Any]:
    return read_json(folder / "revision.json") or {}


def _mark(folder: Path, **values: Any) -> None:
    write_json(folder / "revision.json", _pin(folder) | values)


def _check_room(settings: Settings, base: Base) -> None:
    settings.bases_dir.mkdir(parents=True, exist_ok=True)
    free_mb = shutil.disk_usage(settings.bases_dir).free // MB
    if free_mb < base.download_mb * 1.05:
        raise Unavailable(
            f"{base.title} needs {base.download_mb:,} MB of disk and {free_mb:,} MB are free in "
            f"{settings.bases_dir}: free some space or point ACR_DATA_DIR to a larger disk"
        )


def _fetch(
    folder: Path,
    hub_id: str,
    files: tuple[str, ...],
    wanted: str | None,
    report: Report,
    expected_mb: int,
    endpoint: str | None,
) -> None:
    """Bring `files` of the pinned commit into `folder`; what is already whole there is not fetched again."""
    from huggingface_hub import HfApi

    with explained(hub_id, endpoint):
        api = HfApi(endpoint=endpoint)
        if not _pin(folder):
            report(f"Looking up {hub_id}", 0.0)
            commit = api.model_info(hub_id, revision=wanted).sha
            _mark(folder, hub_id=hub_id, revision=commit, complete=False)
        api.snapshot_download(
            hub_id,
            revision=_pin(folder)["revision"],
            local_dir=folder,
            allow_patterns=list(files),
            ignore_patterns=list(SUBFOLDERS),
            max_workers=4,
            tqdm_class=_bar(report, f"Downloading {hub_id}", expected_mb * MB),
        )


def _bar(report: Report, what: str, expected: int) -> type:
    """A tqdm class that reports bytes instead of drawing on the terminal."""
    from tqdm import tqdm

    class Bar(tqdm):
        def __init__(self, *args: Any, **options: Any) -> None:
            options.pop("name", None)
            super().__init__(*args, **(options | {"disable": False, "file": io.StringIO()}))

        def display(self, msg: str | None = None, pos: int | None = None) -> bool:
            if self.unit == "B":
                report(what, min(float(self.n) / expected, 1.0))
            return True

    return Bar


def _check_base(folder: Path, base: Base) -> None:
    config = read_json(folder / "config.json")
    if config is None:
        raise Refused(f"{base.hub_id} has no readable config.json")
    if found := _forbidden(config):
        raise Refused(f"{base.hub_id}: config.json carries {found}, which can switch on foreign code")
    index = read_json(folder / "model.safetensors.index.json")
    shards = set(index["weight_map"].values()) if index else {"model.safetensors"}
    if missing := sorted(name for name in shards if not (folder / name).exists()):
        raise Refused(f"{base.hub_id} has no {missing[0]}: only safetensors are loaded here, never pickles")


def _forbidden(value: Any) -> str | None:
    if isinstance(value, dict):
        named = next((key for key in value if key in FORBIDDEN_KEYS), None)
        return named or next(filter(None, map(_forbidden, value.values())), None)
    if isinstance(value, list):
        return next(filter(None, map(_forbidden, value)), None)
    return None


@contextmanager
def explained(hub_id: str, endpoint: str | None = None, kind: str = "") -> Iterator[None]:
    """Turn what the Hub's client raises into one sentence with its page; `kind` is "spaces/" or ""."""
    try:
        yield
    except AppError:
        raise
    except Exception as error:
        page = f"{(endpoint or 'https://huggingface.co').rstrip('/')}/{kind}{hub_id}"
        cause = error.__cause__ if isinstance(error, RuntimeError) else None  # an upload's thread hides it
        if sentence := _sentence(cause or error, hub_id, page):
            raise sentence from error
        raise


def _sentence(error: BaseException, hub_id: str, page: str) -> AppError | None:
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return Refused(f"{hub_id} is gated: accept its terms at {page}, set HF_TOKEN and try again")
    if isinstance(error, errors.RepositoryNotFoundError):
        return NotFound(f"{hub_id} is not on the Hub, or not open to you: look at {page}, or set HF_TOKEN")
    if isinstance(error, errors.RevisionNotFoundError):
        return NotFound(f"{hub_id} no longer has the commit that was pinned: see {page}")
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        reason = str(error.server_message or "").strip()[:200]
        return Unavailable(f"The Hub answered {status} for {hub_id}{': ' + reason if reason else ''}; see {page}")
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return Unavailable(f"The disk is full: {hub_id} is not complete here; free some space and try again")
    if isinstance(error, OSError | errors.OfflineModeIsEnabled) or "httpx" in type(error).__module__:
        return Unavailable(
            f"The Hub cannot be reached, so {hub_id} cannot be fetched now ({page}); what is already here keeps working"
        )
    return None
