"""Imports point down only, heavy libraries are imported where they are used, fault tests stand where they are run."""

import re
import subprocess
import sys

import pytest

from backends.settings import ROOT
from tests import code

#: who may not be imported by whom
ABOVE = {
    "backends/": ("finetune", "ui", "app", "examples", "tests"),
    "finetune/": ("ui", "app", "tests", "gradio"),
    "ui/": ("app", "tests"),
    "examples/": ("ui", "app", "tests"),
}
GRADIO = ("ui/", "backends/zero_gpu/")  # the one GPU function turns our errors into Gradio's
HEAVY = {
    *("torch", "transformers", "xllamacpp", "gradio", "peft", "datasets", "scipy", "bitsandbytes", "accelerate"),
    *("numpy", "plotly", "pandas", "huggingface_hub", "tokenizers", "safetensors", "gguf", "llguidance", "lizard"),
}
#: subclass types of transformers and torch, so they need them at once; they are imported inside functions only
SUBCLASSES = {"finetune/training/trainer.py", "finetune/training/answer_loss.py"}


def test_a_file_imports_nothing_above_it() -> None:
    found = [
        f"{name} imports {used}"
        for layer, above in ABOVE.items()
        for name in code.product()
        if name.startswith(layer)
        for used in code.imports(code.tree_of(name))
        if used.split(".")[0] in above
    ]
    assert not found, "imports point down: app.py -> ui -> finetune -> backends"


def test_gradio_is_known_to_the_page_only() -> None:
    found = [
        name
        for name in code.product()
        if not name.startswith(GRADIO) and "gradio" in {used.split(".")[0] for used in code.imports(code.tree_of(name))}
    ]
    assert not found


def test_heavy_libraries_are_imported_where_they_are_used() -> None:
    found = [
        f"{name}:{statement.lineno} imports {used}"
        for name in code.product()
        if name.startswith(("backends/", "finetune/")) and name not in SUBCLASSES
        for statement in code.top_level(code.tree_of(name))
        for used in code.imports(statement)
        if used.split(".")[0] in HEAVY
    ]
    assert not found, "move the import into the function that needs it"


@pytest.mark.parametrize("module", ["finetune.cli", "finetune.control", "finetune.train", "finetune.evaluate"])
def test_a_process_starts_without_the_heavy_libraries(module: str) -> None:
    script = f"import sys, {module}; print(*sorted(set(sys.modules) & {HEAVY!r}))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_control_needs_the_standard_library_only() -> None:
    """Whatever a person's site-packages look like, runs can be started, followed and ended."""
    command = [sys.executable, "-S", "-c", "import finetune.control"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_fault_tests_stand_in_the_one_folder_that_make_faults_collects() -> None:
    marked = {
        path
        for path in (ROOT / "tests").rglob("test_*.py")
        if re.search(r"pytest\.mark\.faults\b", path.read_text(encoding="utf-8"))
    }
    assert marked == set((ROOT / "tests" / "faults").glob("test_*.py"))
