"""`adapter_config.json` of PEFT as data: what may stand in it, and each layer's rank and scale.

PEFT would act on whatever it finds: patterns are regular expressions there, initialisers rewrite the base, modules are
imported by name. So only LoRA and DoRA, with or without biases, pass; every other key must hold the value that switches
it off.
"""

import math
import re
from typing import Any

MAX_RANK = 512
#: the parts of a base that see pictures: an adapter here is about text, and has nothing in them
PICTURES = r".*(?:vision|multi_modal_projector).*"
PLAIN = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")

#: key -> values that mean "not used"; keys that this project reads are not listed here
OFF: dict[str, tuple[Any, ...]] = {
    "modules_to_save": (None, []),
    "init_lora_weights": (True, False),
    "loftq_config": (None, {}),
    "megatron_core": (None, "megatron.core"),
    "qalora_group_size": (16,),
    "exclude_modules": (None, [], PICTURES),
} | dict.fromkeys(
    (
        *("auto_mapping", "layer_replication", "layers_pattern", "layers_to_transform"),
        *("alora_invocation_tokens", "arrow_config", "corda_config", "eva_config", "kasa_config", "lora_ga_config"),
        *("megatron_config", "monteclora_config", "runtime_config", "velora_config", "use_bdlora", "use_qalora"),
        *("ensure_weight_tying", "fan_in_fan_out", "target_parameters", "trainable_token_indices"),
    ),
    (None, False, [], {}),
)
READ = {
    *("peft_type", "task_type", "peft_version", "base_model_name_or_path", "revision", "inference_mode"),
    *(
        "r",
        "lora_alpha",
        "lora_dropout",
        "target_modules",
        "rank_pattern",
        "alpha_pattern",
        "use_rslora",
        "use_dora",
        "bias",
        "lora_bias",
    ),
}
#: PEFT's words for which biases of the base were trained too
BIASES = ("none", "all", "lora_only")
#: the common ones, in words
NAMED = {
    "modules_to_save": "carries whole modules of the base",
    "auto_mapping": "names code to import",
}


def problems(config: dict[str, Any]) -> list[str]:
    """What keeps this adapter from being loaded here, one sentence each."""
    found = []
    if config.get("peft_type") != "LORA" or config.get("task_type") not in ("CAUSAL_LM", None):
        kind = f"{config.get('peft_type')}/{config.get('task_type')}"[:60]
        found.append(f"adapter_config.json is for {kind}, accepted is a LORA for CAUSAL_LM")
    for key, value in config.items():
        if key not in READ and key not in OFF:
            found.append(f"adapter_config.json has the unknown setting {key[:60]!r}")
        elif key in OFF and not _is_off(value, OFF[key]):
            why = NAMED.get(key, "asks for something that is not plain LoRA")
            found.append(f"adapter_config.json {why} ({key}={str(value)[:60]}); merge it into its base instead")
    if config.get("bias", "none") not in BIASES:
        found.append(f"bias must be one of {', '.join(BIASES)}, got {str(config['bias'])[:60]!r}")
    return found + _targets(config) + _numbers(config)


def beyond_lora(config: dict[str, Any]) -> str | None:
    """What this adapter does besides adding B·A to its layers, in words for the screen; None for plain LoRA."""
    if config.get("use_dora"):
        return "uses DoRA"
    if config.get("lora_bias") or config.get("bias", "none") != "none":
        return "trains biases"
    return None


def _is_off(value: Any, off: tuple[Any, ...]) -> bool:
    return any(type(value) is type(neutral) and value == neutral for neutral in off)


def _targets(config: dict[str, Any]) -> list[str]:
    modules = config.get("target_modules")
    plain = isinstance(modules, list) and modules and all(isinstance(m, str) and PLAIN.fullmatch(m) for m in modules)
    # a single string is a regular expression to PEFT
    return [] if plain else [f"target_modules must be a list of module names, got {str(modules)[:60]!r}"]


def _numbers(config: dict[str, Any]) -> list[str]:
    found = []
    for key, most in (("r", MAX_RANK), ("lora_alpha", 1 << 16)):
        pattern = config.get({"r": "rank_pattern", "lora_alpha": "alpha_pattern"}[key]) or {}
        if not isinstance(pattern, dict) or not all(PLAIN.fullmatch(name) for name in pattern):
            found.append(f"{key}: its pattern must map module names to numbers, got {str(pattern)[:60]!r}")
            continue
        for value in (config.get(key), *pattern.values()):
            whole = isinstance(value, int) or (key == "lora_alpha" and isinstance(value, float))
            if isinstance(value, bool) or not whole or not 1 <= value <= most:
                found.append(f"{key} must be between 1 and {most}, got {str(value)[:60]!r}")
    return found


def excluded(model: Any) -> str | None:
    """`exclude_modules` for a loaded base: PEFT would find q_proj in a vision tower as well."""
    return PICTURES if any(re.fullmatch(PICTURES, name) for name, _ in model.named_modules()) else None


def rank(config: dict[str, Any], module: str) -> int:
    return int(_of(config, "rank_pattern", "r", module))


def alpha(config: dict[str, Any], module: str) -> float:
    return float(_of(config, "alpha_pattern", "lora_alpha", module))


def scale(config: dict[str, Any], module: str) -> float:
    """The factor on B·A of one layer."""
    r = rank(config, module)
    return alpha(config, module) / (math.sqrt(r) if config.get("use_rslora") else r)


def _of(config: dict[str, Any], pattern: str, default: str, module: str) -> Any:
    """The first pattern that ends the module's path counts, as in PEFT."""
    matches = (v for name, v in (config.get(pattern) or {}).items() if f".{module}".endswith(f".{name}"))
    return next(matches, config[default])
