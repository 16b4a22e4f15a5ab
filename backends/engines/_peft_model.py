"""One base in memory with LoRA adapters: which one is active is set for every answer and read back from the layers.

Biases of the base that an adapter trained are put in place for its answers and taken out after each of them; PEFT would
leave them there, and the base would no longer be the base.
"""

import hashlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends import adapters
from backends.engines._load_plan import LoadPlan
from backends.errors import BadInput, Refused
from backends.lora import lora_config

if TYPE_CHECKING:
    import torch

#: what LoraConfig takes from adapter_config.json; lora/lora_config.py has refused all that would change the rest
CONFIG_KEYS = (
    *("r", "lora_alpha", "target_modules", "rank_pattern", "alpha_pattern"),
    *("use_rslora", "use_dora", "lora_bias"),
)
MAX_ADAPTERS = 8
#: tokens of prompt and answer together, however many the base could hold
MAX_CONTEXT = 4096


class PeftBase:
    """Not safe for several threads: the active adapter is a state of the layers, so callers take turns."""

    def __init__(self, folder: Path, plan: LoadPlan | None = None) -> None:
        import torch
        from transformers import AutoModelForCausalLM
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.plan = plan or LoadPlan(placement="cuda" if torch.cuda.is_available() else "cpu")
        placed = self.plan.options()
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=getattr(torch, self.plan.dtype),
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            attn_implementation="sdpa",
            **placed,
        )
        self.model = (model if placed else model.to(self.plan.placement)).eval()
        self._peft: Any = None  # the same model with adapters on it, once there is one
        self._loaded: list[str] = []  # least recently used first
        self._biases: dict[str, dict[str, torch.Tensor]] = {}  # of the adapters that trained some
        self._clean: torch.Tensor | None = None  # what the base said before the first adapter came

    @property
    def vocab_size(self) -> int:
        return int(self.model.get_input_embeddings().num_embeddings)

    @property
    def context(self) -> int:
        return min(MAX_CONTEXT, int(self.model.config.get_text_config().max_position_embeddings))

    @contextmanager
    def using(self, adapter: adapters.Adapter | None) -> Iterator[float]:
        """The model answers as `adapter`, or as the base; gives the scale that the layers report, 0.0 = all off."""
        self._refuse_merged()
        if adapter is None:
            if self._peft is None:
                yield 0.0
            else:
                with self._peft.disable_adapter():
                    yield self._scale(None)
        else:
            key = self._load(adapter)
            self._peft.set_adapter(key)
            with self._biased(key):
                yield self._scale(key)

    @contextmanager
    def mixing(self, each: Sequence[adapters.Adapter | None]) -> Iterator[tuple[Callable[..., Any], list[float]]]:
        """One adapter (or the base) per row of a batch: a forward for the whole batch, and the scale of each row."""
        self._refuse_merged()
        different = {_key(adapter): adapter for adapter in each if adapter}
        if len(different) > MAX_ADAPTERS:
            raise BadInput(f"{len(different)} adapters at once: at most {MAX_ADAPTERS} can answer together")
        for key, adapter in different.items():
            if adapter.config.get("use_dora"):
                raise Refused(
                    f"The adapter {adapter.name} is a DoRA: it scales columns of the base's weights, which cannot "
                    "differ between the rows of a batch; ask it alone"
                )
            self._load(adapter)
            if self._biases[key]:
                raise Refused(f"The adapter {adapter.name} brings biases of its own for the base; ask it alone")
        if not different:
            yield self._base_forward, [0.0] * len(each)
            return
        names = [_key(adapter) if adapter else "__base__" for adapter in each]
        scales = {key: self._trained_share(key) for key in different}
        yield partial(self._peft, adapter_names=names), [scales.get(name, 0.0) for name in names]

    def _base_forward(self, **inputs: Any) -> Any:
        with self.using(None):
            return self.model(**inputs)

    def drift(self) -> float:
        """max |logit difference| of the base as it is now, all adapters off, against the base as it was loaded."""
        if self._clean is None:
            return 0.0
        with self.using(None):
            return float((self._fixed_logits() - self._clean).abs().max())

    def _fixed_logits(self) -> "torch.Tensor":
        """What the model says to token ids that every vocabulary has."""
        import torch

        with torch.inference_mode():
            ids = torch.arange(2, 34, device=self.model.device)[None]
            return self.model(input_ids=ids, use_cache=False, logits_to_keep=1).logits.float()

    @contextmanager
    def _biased(self, key: str) -> Iterator[None]:
        """The biases of the base as the adapter trained them, and the base's own again afterwards."""
        import torch

        trained = self._biases.get(key, {})
        own = {name: self._bias(name).detach().clone() for name in trained}
        try:
            with torch.no_grad():
                for name, values in trained.items():
                    self._bias(name).copy_(values)
            yield
        finally:
            with torch.no_grad():
                for name, values in own.items():
                    self._bias(name).copy_(values)

    def _bias(self, name: str) -> "torch.nn.Parameter":
        """A bias of the base by its name there; a layer with LoRA on it keeps its own as `base_layer`."""
        module: Any = self.model.get_submodule(name.rpartition(".")[0])
        return getattr(module, "base_layer", module).bias

    def _refuse_merged(self) -> None:
        """PEFT would take a merged adapter out again with a warning, and 16-bit weights do not come back the same."""
        from peft.tuners.lora.layer import LoraLayer

        if any(isinstance(layer, LoraLayer) and layer.merged for layer in self.model.modules()):
            raise Refused("An adapter was merged into the base in memory: restart the program")

    def _load(self, adapter: adapters.Adapter) -> str:
        key = _key(adapter)
        if key not in self._loaded:
            if len(self._loaded) == MAX_ADAPTERS:
                self._biases.pop(self._loaded[0], None)
                self._peft.delete_adapter(self._loaded.pop(0))
            self._attach(adapter, key)
        else:
            self._loaded.remove(key)
        self._loaded.append(key)
        return key

    def _attach(self, adapter: adapters.Adapter, key: str) -> None:
        """Our own LoraConfig and the safetensors file; nothing that PEFT would guess about devices or files."""
        from peft import LoraConfig, PeftModel, set_peft_model_state_dict
        from safetensors.torch import load

        data = adapter.weights.read_bytes()
        if hashlib.sha256(data).hexdigest() != adapter.sha256:
            raise Refused(f"Adapter {adapter.name}: its weights changed while they were read; try again")
        known = {name: adapter.config[name] for name in CONFIG_KEYS if name in adapter.config}
        outside = lora_config.excluded(self.model)
        config = LoraConfig(**known, exclude_modules=outside, task_type="CAUSAL_LM", inference_mode=True)
        tensors = load(data)
        biases = {name: tensors.pop(name) for name in list(tensors) if name.endswith(".bias") and "lora_" not in name}
        with warnings.catch_warnings():
            # PEFT 0.21 asks transformers 5 by an old name, and warns of merging what is never merged here
            warnings.simplefilter("ignore")
            if self._peft is None:
                self._clean = self._fixed_logits()
                self._peft = PeftModel(self.model, config, adapter_name=key)
            else:
                self._peft.add_adapter(key, config)
        result = set_peft_model_state_dict(self._peft, tensors, adapter_name=key)
        missing = [name for name in result.missing_keys if f".{key}." in name]
        self._biases[key], unfit = self._fitted(biases)
        if wrong := [*missing, *result.unexpected_keys, *unfit]:
            self._peft.delete_adapter(key)
            del self._biases[key]
            raise Refused(f"The adapter {adapter.name} does not fit its base: {wrong[0]} has no counterpart")
        self._peft.eval()

    def _fitted(self, biases: dict[str, "torch.Tensor"]) -> tuple[dict[str, "torch.Tensor"], list[str]]:
        """Trained biases by the base's names for them, and those that the base does not have."""
        fit, unfit = {}, []
        for key, trained in biases.items():
            name = key.removeprefix("base_model.model.").replace(".base_layer.", ".")
            try:
                own = self._bias(name)
            except AttributeError:
                own = None
            if own is None or own.shape != trained.shape:
                unfit.append(key)
            else:
                fit[name] = trained.to(own.device, own.dtype)
        return fit, unfit

    def _scale(self, key: str | None) -> float:
        """Ask every layer what is switched on. 1.0 = `key` alone as it was trained, 0.0 = nothing."""
        from peft.tuners.lora.layer import LoraLayer

        scales = set()
        for layer in self.model.modules():
            if isinstance(layer, LoraLayer):
                active = [] if layer.disable_adapters else [a for a in layer.active_adapters if a in layer.scaling]
                if active != ([key] if key in layer.scaling else []):
                    raise Refused(f"The layers report other adapters ({active}) than the one asked for")
                scales |= {round(layer.scaling[a] / _trained_scale(layer, a), 6) for a in active}
        if len(scales) > 1 or (key and not scales):
            raise Refused(f"The layers report the scales {sorted(scales)} for one adapter; its answer is not used")
        return scales.pop() if scales else 0.0

    def _trained_share(self, key: str) -> float:
        """The scale at which the layers would apply `key` to a row, 1.0 = as it was trained."""
        from peft.tuners.lora.layer import LoraLayer

        layers = [layer for layer in self.model.modules() if isinstance(layer, LoraLayer) and key in layer.scaling]
        scales = {round(layer.scaling[key] / _trained_scale(layer, key), 6) for layer in layers}
        if len(scales) != 1:
            raise Refused(f"The layers report the scales {sorted(scales)} for one adapter; its answer is not used")
        return scales.pop()


def _trained_scale(layer: Any, key: str) -> float:
    root = layer.r[key] ** 0.5 if layer.use_rslora[key] else layer.r[key]
    return float(layer.lora_alpha[key] / root)


def _key(adapter: adapters.Adapter) -> str:
    """Weights and configuration: an adapter that was trained again under its name is another one."""
    return f"{adapter.sha256[:24]}-{adapter.config_sha256[:8]}"
