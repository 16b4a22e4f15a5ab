"""Every configuration of the seeds is there by name, with the seed's own numbers, and can be started."""

from typing import Any

import pytest

from backends import catalog
from backends.settings import Settings
from finetune import all_tasks, cli, formats
from finetune.formats.wording import SLOT, from_json
from finetune.recipes import needs, recipe, seeds
from finetune.rows import hub_rows
from tests.parts.loopback_hub import LoopbackHub

ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PHI = ("q_proj", "k_proj", "v_proj", "dense", "fc1", "fc2")
#: linear layers by architecture
LAYERS = {name: {*ALL} for name in ("gemma3", "llama", "llama4", "qwen3")} | {"phi": {*PHI}}
#: input columns of the design
COLUMNS = {
    "complexity": {"code"},
    "router": {"query"},
    "math": {"question"},
    "code": {"instruction"},
    "sourcegraph": {"natural_language"},
    "observer_utility": {"user_message", "assistant_message"},
    "observer_entities": {"user_message", "assistant_message"},
    "environment": {"instruction", "input"},
}

VERTEX = {"r": 16, "lora_alpha": 32, "lora_dropout": 0.05, "target_modules": ALL, "quantization": "none"}
VERTEX |= {"num_train_epochs": 3.0, "warmup_ratio": 0.1}
CODE = {
    "r": 16,
    "lora_alpha": 32,
    "lora_dropout": 0.05,
    "target_modules": ALL,
    "learning_rate": 2e-4,
    "num_train_epochs": 2.0,
}
CODE |= {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 4, "max_length": 2048, "precision": "bf16"}
ENVIRONMENT = {"r": 16, "lora_alpha": 32, "lora_dropout": 0.05, "learning_rate": 2e-4, "lr_scheduler_type": "cosine"}
ENVIRONMENT |= {"warmup_ratio": 0.03, "num_train_epochs": 3.0, "seed": 42}
OBSERVER = {"r": 16, "lora_alpha": 32, "lora_dropout": 0.05, "target_modules": ALL[:4], "learning_rate": 2e-5}
OBSERVER |= {"num_train_epochs": 3.0, "per_device_train_batch_size": 4, "warmup_steps": 100, "max_length": 1024}

#: (base, the numbers that the seed gives), copied from the seeds and formats.md by hand
SEEDS: dict[str, tuple[str, dict[str, Any]]] = {
    "complexity-qwen3-4b": (
        "qwen3-4b-instruct-2507",
        {
            "r": 32,
            "lora_alpha": 16,
            "use_rslora": True,
            "lora_dropout": 0.05,
            "target_modules": ALL,
            "quantization": "nf4",
            "max_length": 3072,
            "per_device_train_batch_size": 1,
            "gradient_accumulation_steps": 16,
            "optim": "paged_adamw_32bit",
            "learning_rate": 1e-4,
            "lr_scheduler_type": "cosine",
            "warmup_ratio": 0.03,
            "weight_decay": 0.001,
            "max_grad_norm": 0.3,
            "save_steps": 100,
            "eval_steps": 100,
            "num_train_epochs": 3.0,
        },
    ),
    "router-llama31-8b": ("llama-3.1-8b-instruct", VERTEX),
    "router-gemma3-27b": ("gemma-3-27b-it", VERTEX),
    "router-qwen3-32b": ("qwen3-32b", VERTEX),
    "math-gemma3-27b": ("gemma-3-27b-it", VERTEX),
    "math-qwen3-32b": ("qwen3-32b", VERTEX),
    "math-llama4-scout": ("llama-4-scout-17b-16e-instruct", VERTEX),
    "math-gemma3-4b": (
        "gemma-3-4b-it",
        {
            "r": 16,
            "lora_alpha": 32,
            "lora_dropout": 0.05,
            "target_modules": ALL,
            "quantization": "nf4",
            "precision": "bf16",
            "optim": "paged_adamw_8bit",
            "per_device_train_batch_size": 4,
            "gradient_accumulation_steps": 4,
            "learning_rate": 2e-4,
            "lr_scheduler_type": "cosine",
            "num_train_epochs": 3.0,
            "gradient_checkpointing": True,
        },
    ),
    "code-qwen3-0.6b": ("qwen3-0.6b", CODE | {"quantization": "nf4"}),
    "code-llama31-8b": ("llama-3.1-8b-instruct", CODE | {"quantization": "none"}),
    "sourcegraph-qwen3-1.7b": (
        "qwen3-1.7b",
        {
            "r": 16,
            "lora_alpha": 32,
            "lora_dropout": 0.05,
            "target_modules": ALL,
            "quantization": "none",
            "num_train_epochs": 3.0,
            "per_device_train_batch_size": 4,
            "gradient_accumulation_steps": 2,
            "learning_rate": 2e-4,
            "lr_scheduler_type": "cosine",
            "warmup_ratio": 0.1,
            "precision": "bf16",
        },
    ),
    "environment-phi2-qlora": (
        "phi-2",
        ENVIRONMENT
        | {
            "quantization": "nf4",
            "target_modules": PHI,
            "per_device_train_batch_size": 2,
            "gradient_accumulation_steps": 8,
            "max_length": 1024,
        },
    ),
    "environment-phi1-lora": (
        "phi-1",
        ENVIRONMENT
        | {"quantization": "none", "target_modules": PHI, "per_device_train_batch_size": 1, "max_length": 256},
    ),
    "environment-phi2-lora": (
        "phi-2",
        ENVIRONMENT
        | {"quantization": "none", "target_modules": ("q_proj", "v_proj"), "per_device_train_batch_size": 4},
    ),
    "observer-utility-qwen3-0.6b": ("qwen3-0.6b", OBSERVER),
    "observer-entities-qwen3-0.6b": ("qwen3-0.6b", OBSERVER),
}
DATA = {
    "complexity-qwen3-4b": ("aslam-naseer/js-function-complexity-messages", None, None, (4993, 500, 500)),
    "router-gemma3-27b": ("CourseGPT-Pro-DSAI-Lab-Group-6/router-dataset", None, None, (6962, 818, 409)),
    "math-gemma3-4b": ("XenArcAI/MathX-5M", None, 10_000, (9000, 1000)),
    "code-qwen3-0.6b": ("OpenCoder-LLM/opc-sft-stage2", "educational_instruct", None, (0.95, 0.05)),
    "sourcegraph-qwen3-1.7b": (None, None, None, (969, 108)),
    "environment-phi2-qlora": (None, None, None, (0.8, 0.1, 0.1)),
    "observer-utility-qwen3-0.6b": (None, None, None, (2640, 660)),
}
NAMES = sorted(name for name, data in recipe.recipes().items() if "base" in data)


def seed_named(name: str) -> seeds.Seed:
    found = seeds.find(name)
    assert found
    return found


def test_every_seed_configuration_is_there_and_no_other() -> None:
    assert sorted(SEEDS) == NAMES


@pytest.mark.parametrize("name", SEEDS)
def test_the_numbers_are_the_seeds(name: str) -> None:
    base, wanted = SEEDS[name]
    made = recipe.named(name)
    assert {key: getattr(made, key) for key in wanted} == wanted
    assert seed_named(name).base == base


@pytest.mark.parametrize("name", DATA)
def test_the_rows_are_the_seeds(name: str) -> None:
    data = seed_named(name).data
    assert (data["hub"], data.get("config"), data.get("cap"), tuple(data["split_shares"].values())) == DATA[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_seeds_recipe_can_be_started(name: str, settings: Settings) -> None:
    seed, made = seed_named(name), recipe.named(name)
    base = catalog.base_named(seed.base)
    assert set(made.target_modules) <= LAYERS[base.architecture]
    assert seed.format["name"] in formats.NAMES
    wording = from_json(seed.format)
    assert set(SLOT.findall(f"{wording.user}{wording.context or ''}")) == COLUMNS[seed.task]
    assert seed.task not in all_tasks() or set(all_tasks()[seed.task].columns) == COLUMNS[seed.task]
    if seed.data["hub"]:
        assert hub_rows.from_json(seed.data).columns
    else:
        assert "github.com" in seed.data["where"]
    assert seed.source


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_the_seeds_own_is_said(name: str) -> None:
    data = recipe.recipes()[name]
    own = {*data["values"], *data["data"]}
    assert set(data["ours"]) <= own
    assert set(SEEDS[name][1]) & set(data["ours"]) <= {"target_modules", "max_length"}  # a seed that says two things
    assert all((data["ours"] | data["seed_only"]).values())


@pytest.mark.parametrize("name", [name for name in NAMES if "managed" in recipe.recipes()[name]])
def test_a_vertex_recipe_holds_what_vertex_is_told(name: str) -> None:
    told = {"adapter_size": 16, "learning_rate_multiplier": 0.7, "epochs": 3, "warmup_ratio": 0.1}
    managed = recipe.recipes()[name]["managed"]
    assert managed.pop("base_model").count("@") == 1
    assert managed == told | {"platform": "vertex"}


def test_the_texts_of_the_observer_and_the_router_keep_every_blank() -> None:
    assert "worth remembering  \n- IMPORTANT" in seed_named("observer-utility-qwen3-0.6b").format["system"]
    assert seed_named("router-qwen3-32b").format["user"].endswith("\n\nUser query:\n{query}\n")


@pytest.mark.parametrize("task", ["complexity", "observer_utility", "sourcegraph"])
def test_a_task_has_a_shipped_recipe_and_one_for_two_cores(task: str) -> None:
    shipped, small = recipe.named(task), recipe.named(f"{task}-cpu")
    assert small.max_minutes == 15
    assert small == shipped.change(max_minutes=15)  # one set of numbers under two names
    assert recipe.default_for(task) == task
    assert "two cores" in recipe.recipes()[f"{task}-cpu"]["title"]


def test_the_page_offers_the_recipes_of_a_task_and_none_of_a_seed() -> None:
    offered = recipe.offered("complexity")
    assert {"quick", "balanced", "thorough", "complexity"} == offered.keys()
    assert "sourcegraph-cpu" in recipe.offered("sourcegraph")


def test_warm_up_is_a_number_of_steps_where_one_is_given() -> None:
    assert recipe.Recipe().warmup_steps == 0
    assert recipe.make({"warmup_steps": "100"}).warmup_steps == 100


@pytest.mark.parametrize(
    ("base", "method", "wanted"),
    [("gemma-3-27b-it", "nf4", 12.8), ("gemma-3-27b-it", "none", 51.1), ("qwen3-0.6b", "int8", 0.6)],
)
def test_what_is_missing_is_counted_from_the_catalog(base: str, method: str, wanted: float) -> None:
    made = recipe.make({"quantization": method})
    assert needs.weights_gb(catalog.base_named(base), made) == pytest.approx(wanted, abs=0.05)


def test_the_embedded_base_needs_nothing() -> None:
    assert needs.missing(catalog.base_named(catalog.EMBEDDED), recipe.Recipe()) is None


def test_a_machine_without_a_gpu_is_told_so_before_anything_is_fetched(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with LoopbackHub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        assert cli.main(["train", "--recipe", "complexity-qwen3-4b"]) == 1
        assert not hub.asked
    said = capsys.readouterr().err
    assert "Training Qwen3 4B Instruct 2507 in nf4 needs a CUDA GPU with more than 1.9 GB" in said
    assert "this machine has no such GPU" in said


def test_train_without_rows_or_task_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["rows.jsonl"], ["--task", "complexity"], ["--recipe", "quick", "--task", "complexity"]):
        assert cli.main(["train", *arguments]) == 2
    assert "give DATA and --task, or --recipe" in capsys.readouterr().err


def test_on_the_embedded_base_a_seeds_texts_are_asked_in_the_plain_format(settings: Settings) -> None:
    seed = seed_named("complexity-qwen3-4b")
    fmt = seed.format_on(catalog.base_named(catalog.EMBEDDED), settings)
    text = fmt.prompt(all_tasks()["complexity"], {"code": "f"})[0].text
    assert text.startswith("You are a static analysis expert.")
    assert "```javascript\nf\n```" in text
