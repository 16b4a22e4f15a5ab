"""How a base is loaded on which card: precision by what fits, arithmetic by what the card can, layers over several."""

import pytest

from backends.catalog import base_named
from backends.engines._load_plan import GIB, Device, LoadPlan, out_of_memory, plans
from backends.errors import BadInput, Unavailable

T4, L4, H200, TWO = Device((15 * GIB,), bf16=False), Device((22 * GIB,)), Device((139 * GIB,)), Device((22 * GIB,) * 2)


@pytest.mark.parametrize(
    ("base", "device", "first"),
    [
        ("gemma-3-270m", Device(), LoadPlan("none", "bfloat16", "cpu")),
        ("qwen3-4b-instruct-2507", L4, LoadPlan("none", "bfloat16", "cuda")),
        ("qwen3-4b-instruct-2507", T4, LoadPlan("none", "float16", "cuda")),
        ("gemma-3-270m", T4, LoadPlan("none", "float32", "cuda")),
        ("gemma-3-4b-it", T4, LoadPlan("int8", "float32", "cuda")),
        ("llama-3.1-8b-instruct", L4, LoadPlan("none", "bfloat16", "cuda")),
        ("qwen3-32b", H200, LoadPlan("none", "bfloat16", "cuda")),
        ("qwen3-32b", TWO, LoadPlan("int8", "bfloat16", "auto")),
        ("qwen3-32b", Device((26 * GIB,)), LoadPlan("nf4", "bfloat16", "cuda")),
    ],
)
def test_the_most_exact_form_that_fits_comes_first(base: str, device: Device, first: LoadPlan) -> None:
    assert plans(base_named(base), device, "auto")[0] == first


def test_what_comes_after_it_is_smaller() -> None:
    found = [plan.quantization for plan in plans(base_named("qwen3-32b"), H200, "auto")]
    assert found == ["none", "int8", "nf4"]


def test_a_form_can_be_asked_for() -> None:
    assert plans(base_named("gemma-3-270m"), Device(), "nf4") == [LoadPlan("nf4", "bfloat16", "cpu")]
    with pytest.raises(BadInput, match="ACR_QUANTIZATION must be auto, none, int8, nf4, got 'tiny'"):
        plans(base_named("gemma-3-270m"), Device(), "tiny")


def test_a_base_that_cannot_fit_is_refused_with_both_numbers() -> None:
    with pytest.raises(Unavailable, match=r"Qwen3.32B needs about 24 GB of GPU memory in 4-bit \(NF4\), and 15 GB"):
        plans(base_named("qwen3-32b"), T4, "auto")


def test_zero_gpu_is_never_told_a_number_of_a_card() -> None:
    """Its emulation knows the name "cuda" only; accelerate's way through an index would start CUDA for real."""
    assert LoadPlan("none", "bfloat16", "cuda").options() == {}
    assert LoadPlan("nf4", "bfloat16", "cuda").options()["device_map"] == {"": "cuda"}
    assert LoadPlan("none", "bfloat16", "auto").options() == {"device_map": "auto"}


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (MemoryError(), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_shortness_of_memory_is_told_from_other_faults(error: Exception, is_memory: bool) -> None:
    assert out_of_memory(error) is is_memory
