"""SoftSRV: an adapter learns what the rows are like, and writes more of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from condensers.data import Rows
from condensers.errors import SettingError
from condensers.llm import CachedLLM, Events, Prompt, SamplingSettings
from condensers.llm.model_digest import folder_digests
from condensers.methods.generating_condenser import GeneratingCondenser
from condensers.methods.generation import Drop, SoftSRVCondenserConfig, WriteAfter, Written
from condensers.methods.learned import Savable, fit_key, keep, kept_folder, training_folder
from condensers.methods.source import PreparedSource
from condensers.softsrv.config import SoftSRVConfig
from condensers.softsrv.embedders import adapter_config, check_embedder
from condensers.softsrv.fitting import FittedAdapter, fit_adapter
from condensers.softsrv.generation import SoftSRVWriter
from condensers.softsrv.loading import load_adapter, load_language_model
from condensers.softsrv.targeted import write_in_turns

_ADAPTER = "adapter"


class SoftSRVCondenser(GeneratingCondenser):
    """SoftSRV (DeSalvo et al. 2024), the whole of Section 3.3.

    An adapter is trained on the questions of the source, so that a frozen language model writes each of them again
    from its vector alone; then it writes new ones after the same vectors, with no prompt; they are sifted, answered
    and sifted again (see `GeneratingCondenser`). Questions are handed to the model that answers as they are.

    The adapter is kept in the cache and saved with the condenser, and serves other budgets and seeds. Its training,
    killed, goes on where it stopped.

    The vectors are those of `embedder`, where the paper takes the mean of a small language model's token embeddings.

    Example::

        condenser = SoftSRVCondenser(generator="google/gemma-2-2b", llm="google/gemma-2-9b-it@http://localhost:8000/v1")
        rows = condenser.condense("openai/gsm8k", name="main", total=50_000, against="test")
        SFTTrainer("google/gemma-2-2b", train_dataset=rows).train()

    Args:
        config: Settings; see `Condenser`.
        embedder: See `Condenser`.
        **settings: Those of `SoftSRVCondenserConfig`. `llm` and `against` may be objects.
    """

    condenser_type = "softsrv"
    config_class: ClassVar[type[SoftSRVCondenserConfig]] = SoftSRVCondenserConfig
    config: SoftSRVCondenserConfig

    def __init__(self, config: SoftSRVCondenserConfig | None = None, **settings: Any) -> None:
        self._given_adapter: tuple[str, FittedAdapter] | None = None
        self._losses: tuple[tuple[int, float], ...] = ()
        super().__init__(config, **settings)

    @property
    def _llm_temperature(self) -> float:
        # The language model does nothing but answer.
        return self.config.answer_temperature

    def _answer_prompt(self) -> Prompt:
        return Prompt.load(self.config.answer_prompt or "softsrv/bare")

    def _writer(self, prepared: PreparedSource, llm: CachedLLM | None, events: Events) -> WriteAfter:
        config, fitted = self.config, self._adapter(prepared)
        self._losses = fitted.losses
        if adapter_config(fitted.model).parameterization == "static" and len(prepared.rows.class_counts) > 1:
            raise SettingError(
                "a static adapter ignores which row it writes after, so what it writes has no class. Pass "
                "`label=None` (`--label none`), or another `parameterization`."
            )
        sampling = SamplingSettings(temperature=config.temperature, max_tokens=config.max_length, seed=config.seed)
        writer = SoftSRVWriter(fitted.model, fitted.processing_class, sampling, config.write_batch_size, progress=True)

        def write(positions: np.ndarray, n: int) -> Written:
            turns = np.random.default_rng(config.seed).permutation(positions)
            found = write_in_turns(writer, prepared.of_class(turns), n)
            unusable = {i: Drop("empty", "it is empty") for i, text in enumerate(found.texts) if not text}
            if not config.keep_unfinished:
                cut = np.flatnonzero(~found.is_finished).tolist()
                unusable |= {i: Drop("cut_off", f"it has {config.max_length} tokens and no end") for i in cut}
            return Written(found.texts, turns[np.arange(n) % len(turns)], unusable)

        return write

    def _adapter(self, prepared: PreparedSource) -> FittedAdapter:
        """The adapter that the settings name, else the one that was trained on these rows, else one trained now."""
        if self.config.adapter is None:
            key = self._adapter_key(prepared.rows)
            held = self._parts.get(_ADAPTER)
            if (held is None or held.key != key) and not kept_folder(key).is_dir():
                # Trainer leaves its marks on a model's settings. Read back, it is the one that later runs will read,
                # and finds the texts that those wrote.
                keep(self._fit(prepared, key), key)
            return self._learned(_ADAPTER, key, lambda: self._fit(prepared, key))
        if self._given_adapter is None or self._given_adapter[0] != self.config.adapter:
            self._given_adapter = (self.config.adapter, FittedAdapter(*load_adapter(self.config.adapter), ()))
        fitted = self._given_adapter[1]
        if adapter_config(fitted.model).parameterization != "static":
            check_embedder(adapter_config(fitted.model), self.embedder)
        return fitted

    def _fit(self, prepared: PreparedSource, key: str) -> FittedAdapter:
        config = self.config
        base, tokenizer = load_language_model(config.generator)
        return fit_adapter(
            base,
            tokenizer,
            self._adapter_config(prepared.vectors.shape[1]),
            prepared.rows.texts,
            training_folder(key),
            embedder=self.embedder,
            max_steps=config.max_steps,
            learning_rate=config.learning_rate,
            batch_size=config.train_batch_size,
            max_length=config.max_length,
            seed=config.training_seed,
        )

    def _adapter_config(self, dim: int) -> SoftSRVConfig:
        config = self.config
        return SoftSRVConfig(
            parameterization=config.parameterization,
            num_virtual_tokens=config.num_virtual_tokens,
            num_bases=config.num_bases,
            mlp_hidden_size=config.mlp_hidden_size,
            mlp_num_layers=config.mlp_num_layers,
            context_dim=dim,
        )

    def _adapter_key(self, rows: Rows) -> str:
        """Hash of the rows and of all else that the weights follow from; `max_steps` and the like, not the budget."""
        config = self.config
        names = ("parameterization", "num_virtual_tokens", "num_bases", "mlp_hidden_size", "mlp_num_layers")
        training = ("max_steps", "learning_rate", "train_batch_size", "training_seed", "max_length")
        facts = {name: getattr(config, name) for name in (*names, *training)}
        generator = self._folder_digests().get("generator", config.generator)
        embedder = None if config.parameterization == "static" else self.embedder.fingerprint
        # Classes play no part in the training.
        unlabelled = replace(rows, codes=np.zeros_like(rows.codes), class_names=())
        return fit_key(unlabelled, {"part": _ADAPTER, "generator": generator, "embedder": embedder, **facts})

    def _facts(self) -> dict[str, Any]:
        config = self.config
        trained = {"adapter": config.adapter} if config.adapter else {"losses": [list(each) for each in self._losses]}
        return {"generator": config.generator, "parameterization": config.parameterization, **trained}

    def _own_work(self, rows: Rows) -> dict[str, int]:
        if self.config.adapter is not None:
            return {}
        is_trained = kept_folder(self._adapter_key(rows)).is_dir()
        return {"steps of training": 0 if is_trained else self.config.max_steps}

    # Saving

    def _folder_digests(self) -> dict[str, str]:
        return folder_digests({name: getattr(self.config, name) for name in ("generator", "adapter")})

    def _document(self) -> dict[str, Any]:
        document = super()._document()
        objects = {**document.get("objects", {}), **self._folder_digests()}
        return {**document, **({"objects": objects} if objects else {})}

    def _load_part(self, name: str, folder: Path) -> Savable:
        return FittedAdapter.from_pretrained(folder, *load_language_model(self.config.generator))
