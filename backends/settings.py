"""Where we are and what is allowed here: read once from the environment, frozen, passed along as an argument."""

import os
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from backends.errors import BadInput

ROOT = Path(__file__).resolve().parent.parent
MB = 1 << 20


@dataclass(frozen=True)
class Settings:
    """Every limit and folder in one place. Times are in seconds, sizes in bytes."""

    data_dir: Path
    #: set on a Hugging Face Space to "owner/name"
    space_id: str | None = None
    #: a Space that strangers may open: caps on runs and uploads apply, generated code never runs
    public: bool = False
    zero_gpu: bool = False
    #: bases that a ZeroGPU Space has ready on the GPU; none named = the embedded one
    zero_gpu_bases: tuple[str, ...] = ()
    #: how the transformers engine loads a base: none (16-bit), int8, nf4, or auto = the most exact that fits
    quantization: str = "auto"
    #: a .gguf of the embedded base to use instead of the PyPI package's (same digest)
    base_gguf: Path | None = None
    #: extra host names the page may be opened under, besides this machine's own
    hosts: tuple[str, ...] = ()
    #: a mounted bucket that outlives this machine: gets copies, is read at start-up (finetune/runs/keep.py)
    keep_dir: Path | None = None
    #: a folder of bases and adapters of one's own, laid out like backends/catalog
    catalog: Path | None = None
    #: told in JSON when a run ends
    webhook: str | None = None
    #: where the numbers of a fine-tune go besides its folder, in the Trainer's words: trackio, wandb, ...
    report_to: tuple[str, ...] = ()
    #: the OpenAI-compatible server, with its key and the model that is meant when none is named: never from a visitor
    openai_url: str | None = None
    openai_key: str = field(default="", repr=False)
    openai_model: str | None = None
    #: dollars for a million tokens that it reads, and that it writes; none = not known
    openai_prices: tuple[float, float] | None = None
    openai_seconds: float = 120.0  # for a whole answer of it, with all waiting
    #: whoever reads /metrics must show it; without one a public Space does not serve them
    metrics_token: str = field(default="", repr=False)
    #: the adapter that answers the router's /general-search steps; none = the base
    chain_general: str | None = None
    max_upload: int = 100 * MB
    #: free disk below which no run is started
    min_free: int = 300 * MB
    max_rows: int = 200_000
    max_prompt_chars: int = 40_000
    #: minutes one training run may take; a public Space lowers it
    max_run_minutes: int = 24 * 60
    threads: int = 2
    tick: float = 0.5  # control looks at inbox and runs this often
    grace: float = 6.0  # between SIGTERM and SIGKILL of a run
    stale: float = 60.0  # no heartbeat for this long is shown as "no sign of life"
    linger: float = 60.0  # control ends this long after the last active run

    @property
    def forgets(self) -> bool:
        """A Space without a bucket: its disk is new after every restart."""
        return bool(self.space_id) and self.keep_dir is None

    @property
    def bases_dir(self) -> Path:
        return self.data_dir / "bases"

    @property
    def runs_dir(self) -> Path:
        return self.data_dir / "runs"

    @property
    def inbox_dir(self) -> Path:
        return self.data_dir / "inbox"

    @property
    def trash_dir(self) -> Path:
        return self.data_dir / "trash"

    @property
    def uploads_dir(self) -> Path:
        return self.data_dir / "uploads"

    @property
    def adapters_dir(self) -> Path:
        return self.data_dir / "adapters"

    @property
    def cache_dir(self) -> Path:
        return self.data_dir / "cache"

    @property
    def evaluations_dir(self) -> Path:
        return self.data_dir / "evaluations"

    @property
    def store_path(self) -> Path:
        return self.data_dir / "runs.db"

    def to_env(self) -> dict[str, str]:
        """What `from_env` needs in another process to see the same folders, place and times."""
        env = {
            "ACR_DATA_DIR": str(self.data_dir),
            "ACR_PRIVATE": "0" if self.public else "1",
            "ACR_TICK": str(self.tick),
            "ACR_GRACE": str(self.grace),
            "ACR_STALE": str(self.stale),
            "ACR_LINGER": str(self.linger),
            "ACR_THREADS": str(self.threads),
            "ACR_MIN_FREE_MB": str(self.min_free / MB),
            "ACR_KEEP_DIR": str(self.keep_dir or ""),
            "ACR_REPORT_TO": ",".join(self.report_to),
        }
        known = {
            "SPACE_ID": self.space_id,
            "ACR_BASE_GGUF": self.base_gguf and self.base_gguf.resolve(),
            "ACR_CATALOG": self.catalog and self.catalog.resolve(),
            "ACR_WEBHOOK": self.webhook,
        }
        return env | {name: str(value) for name, value in known.items() if value}


def _data_dir(env: dict[str, str]) -> Path:
    if given := env.get("ACR_DATA_DIR"):
        return Path(given).expanduser().resolve()
    from platformdirs import user_data_dir

    return Path(user_data_dir("adapter-control-room"))


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _prices(text: str) -> tuple[float, float] | None:
    """ACR_OPENAI_PRICES="0.15, 0.60"."""
    if not text.strip():
        return None
    try:
        read, written = (float(part) for part in text.split(","))
    except ValueError:
        raise BadInput(f"ACR_OPENAI_PRICES needs two numbers with a comma between them, got {text[:40]!r}") from None
    return read, written


def _keep_dir(env: dict[str, str]) -> Path | None:
    """The bucket of a Space is mounted at /data; elsewhere such a mount may be anybody's."""
    given = env.get("ACR_KEEP_DIR", "/data" if env.get("SPACE_ID") and os.path.ismount("/data") else "")
    return Path(given).expanduser().resolve() if given else None


def from_env(env: dict[str, str]) -> Settings:
    """Settings for an environment; pure, so that tests can ask for any place."""
    space = env.get("SPACE_ID")
    public = bool(space) and env.get("ACR_PRIVATE", "") != "1"
    gguf = env.get("ACR_BASE_GGUF")
    return Settings(
        data_dir=_data_dir(env),
        space_id=space,
        public=public,
        zero_gpu=bool(env.get("SPACES_ZERO_GPU")),
        zero_gpu_bases=_listed(env.get("ACR_ZEROGPU_BASES", "")),
        quantization=env.get("ACR_QUANTIZATION") or "auto",
        base_gguf=Path(gguf).expanduser() if gguf else None,
        hosts=_listed(env.get("ACR_HOSTS", "")),
        keep_dir=_keep_dir(env),
        catalog=Path(env["ACR_CATALOG"]).expanduser() if env.get("ACR_CATALOG") else None,
        webhook=env.get("ACR_WEBHOOK") or None,
        report_to=_listed(env.get("ACR_REPORT_TO", "")),
        min_free=round(float(env.get("ACR_MIN_FREE_MB", "300")) * MB),
        openai_url=env.get("ACR_OPENAI_URL") or None,
        openai_key=env.get("ACR_OPENAI_KEY", "").strip(),
        openai_model=env.get("ACR_OPENAI_MODEL") or None,
        openai_prices=_prices(env.get("ACR_OPENAI_PRICES", "")),
        openai_seconds=float(env.get("ACR_OPENAI_SECONDS", "120")),
        metrics_token=env.get("ACR_METRICS_TOKEN", "").strip(),
        chain_general=env.get("ACR_CHAIN_GENERAL", "").strip() or None,
        max_upload=20 * MB if public else 100 * MB,
        max_run_minutes=10 if public else 24 * 60,
        threads=int(env.get("ACR_THREADS") or os.cpu_count() or 2),
        tick=float(env.get("ACR_TICK", "0.5")),
        grace=float(env.get("ACR_GRACE", "6")),
        stale=float(env.get("ACR_STALE", "60")),
        linger=float(env.get("ACR_LINGER", "60")),
    )


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process. `.env` here or above fills gaps, never overrides, and is not read on a Space."""
    if not os.environ.get("SPACE_ID"):
        from dotenv import find_dotenv, load_dotenv

        load_dotenv(find_dotenv(usecwd=True), override=False)
    return from_env(dict(os.environ))
