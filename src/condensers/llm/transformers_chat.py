"""Chats with a model in process, through transformers."""

import hashlib
import json
import secrets
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from jinja2 import TemplateError
from pydantic import BaseModel

from condensers.errors import SettingError, SourceNotFoundError
from condensers.llm.in_process import MAX_TOKENS, end_tokens, evaluating
from condensers.llm.json_reply import with_schema
from condensers.llm.judging import judged
from condensers.llm.model_digest import folder_digest, weights_digest
from condensers.llm.prompt import Message
from condensers.llm.protocol import LIMIT, Completion, SamplingSettings
from condensers.llm.row_generation import generate_rows
from condensers.llm.shared_reading import read_chats
from condensers.llm.spending import Usage
from condensers.llm.stop_texts import StopTexts, before_stop
from condensers.llm.streaming import Request, StreamingLLM

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class TransformersChat(StreamingLLM):
    """Generates with a causal language model in this process, in batches of chats of like length.

    Each sample draws from a random generator of its own, seeded by the seed, the chat and the sample's number, so a
    reply does not depend on what else is in its batch, at temperature 0 or when sampling. This holds up to rounding:
    padding changes the last digits of the logits, and where two tokens are all but equally likely, that can decide.
    The same batches give the same replies on the same machine.

    A schema is written at the end of the chat; nothing enforces it.

    Args:
        model_or_path: Local folder of a model, or the model itself.
        processing_class: Tokenizer; needed beside a model, else read from the folder.
        sampling: How the model picks its words. Its `extra` goes to `generate`; ``top_k`` is known.
        batch_size: Replies generated at once.
        device: Torch device; None takes the best there is, or where the model is.
        dtype: Of the weights; None takes float32 on CPUs, bfloat16 elsewhere.
        chat_template: Jinja template in place of the tokenizer's.
        name: What to call it; None takes the path.
        usage: Counts and limits; give the models of one run the same.
        trust_remote_code: Run code that the model's folder contains.

    Raises:
        SourceNotFoundError: if the folder holds no model.
        SettingError: if a model comes without a tokenizer, or there is no chat template.
    """

    def __init__(
        self,
        model_or_path: "str | Path | PreTrainedModel",
        *,
        processing_class: "PreTrainedTokenizerBase | None" = None,
        sampling: SamplingSettings | None = None,
        batch_size: int = 16,
        device: str | None = None,
        dtype: str | None = None,
        chat_template: str | None = None,
        name: str | None = None,
        usage: Usage | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        if batch_size < 1:
            raise SettingError(f"`batch_size` must be at least 1; got {batch_size}.")
        self.sampling = sampling or SamplingSettings()
        self.batch_size = batch_size
        self.device = device
        self.dtype = dtype
        self.chat_template = chat_template
        self.usage = usage or Usage()
        self.trust_remote_code = trust_remote_code
        self._tokenizer = processing_class
        self._model: PreTrainedModel | None = None
        self._folder: Path | None = None
        self._lender: TransformersChat | None = None  # whose weights it shares
        if isinstance(model_or_path, (str, Path)):
            self._folder = Path(model_or_path).expanduser()
            if not (self._folder / "config.json").is_file():
                raise SourceNotFoundError(f"{str(model_or_path)!r} holds no model: it has no config.json.")
            self.name = name or str(model_or_path)
            digest = folder_digest(self._folder)
        else:
            if processing_class is None:
                raise SettingError("a model needs its tokenizer beside it; pass `processing_class=`.")
            self._model = model_or_path
            self.name = name or model_or_path.config.name_or_path or type(model_or_path).__name__
            digest = weights_digest(model_or_path)
        identity: dict[str, Any] = {"format": 2, "model": digest, "dtype": dtype, "template": chat_template}
        if processing_class is not None:
            identity["own_template"] = processing_class.chat_template
            identity["vocabulary"] = sorted(processing_class.get_vocab().items())
        self._identity = identity
        self.fingerprint = self._digest()

    def with_sampling(self, sampling: SamplingSettings) -> Self:
        """The same model with other sampling settings; both share the weights."""
        other = copy(self)
        other._lender = self
        other.sampling = sampling
        other.fingerprint = other._digest()
        return other

    def _digest(self) -> str:
        identity = {**self._identity, "sampling": asdict(self.sampling)}
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]

    def __repr__(self) -> str:
        return f"TransformersChat({self.name!r})"

    def __getstate__(self) -> dict[str, object]:
        # Other processes load the weights themselves.
        return {**self.__dict__, "_model": None, "_lender": None} if self._folder else self.__dict__

    @property
    def tokenizer(self) -> "PreTrainedTokenizerBase":
        """The tokenizer, loaded at first use."""
        if self._tokenizer is None:
            from transformers import AutoTokenizer  # noqa: PLC0415  (takes seconds to import)

            self._tokenizer = AutoTokenizer.from_pretrained(self._folder, trust_remote_code=self.trust_remote_code)
        return self._tokenizer

    @property
    def model(self) -> "PreTrainedModel":
        """The model, loaded at first use."""
        if self._model is None:
            self._model = self._load() if self._lender is None else self._lender.model
        return self._model

    def stream(
        self, requests: Sequence[Request], *, schema: type[BaseModel] | None = None
    ) -> Iterator[tuple[int, Completion]]:
        """Yields each request's position and completion, batch by batch, the longest chats first."""
        if not requests:
            return
        self.usage.plan(len(requests))
        with self.usage.running():
            texts = [self._text(with_schema(r.messages, schema) if schema else r.messages) for r in requests]
            chats = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
            n_tokens = list(map(len, chats))
            limits = [request.limit(self.sampling.max_tokens) or MAX_TOKENS for request in requests]
            fitting = []
            for i, n in enumerate(n_tokens):
                if n + limits[i] <= self._context():
                    fitting.append(i)
                    continue
                problem = f"too_long: {n} tokens, and up to {limits[i]} to come, in {self._context()}"
                yield i, self.usage.count(Completion("", finish_reason="", problem=problem))
            # Longest first: what does not fit into memory shows at once.
            fitting.sort(key=lambda i: -n_tokens[i])
            for start in range(0, len(fitting), self.batch_size):
                batch = fitting[start : start + self.batch_size]
                admitted = [i for i in batch if self.usage.admit()]
                replies = self._generate(
                    [chats[i] for i in admitted],
                    [self.sampling.sample_seed(requests[i].sample, texts[i]) for i in admitted],
                    [limits[i] for i in admitted],
                )
                for i, reply in zip(admitted, replies, strict=True):
                    yield i, self.usage.count(judged(reply, schema))
                for i in batch[len(admitted) :]:
                    yield i, self.usage.count(Completion("", finish_reason="", problem=LIMIT))

    def _generate(
        self, chats: Sequence[Sequence[int]], seeds: Sequence[int | None], limits: Sequence[int]
    ) -> list[Completion]:
        import torch  # noqa: PLC0415  (takes seconds to import)

        if not chats:
            return []
        tokenizer: Any = self.tokenizer  # The annotations of transformers 5.23 fit no call.
        model: Any = self.model
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        extra: dict[str, Any] = {name: value for name, value in self.sampling.extra.items() if name != "top_k"}
        pad = tokenizer.pad_token_id
        with torch.inference_mode(), evaluating(model):
            read = read_chats(model, chats, pad_token_id=pad, room=max(limits), ahead=not extra)
            n_before = read.input_ids.shape[1]
            new = generate_rows(
                model,
                {"input_ids": read.input_ids, "attention_mask": read.attention_mask},
                cache=read.past_key_values,
                sampling=self.sampling,
                seeds=[secrets.randbits(31) if seed is None else seed for seed in seeds],
                limits=limits,
                end_tokens=sorted(self._end_tokens()),
                pad_token_id=pad,
                stop=StopTexts(self.sampling.stop, tokenizer, n_before) if self.sampling.stop else None,
                **extra,
            )
        return [self._completion(row, len(chat)) for row, chat in zip(new, chats, strict=True)]

    def _completion(self, ids: list[int], n_input_tokens: int) -> Completion:
        ends = self._end_tokens()
        end = next((place for place, token in enumerate(ids) if token in ends), None)
        kept = ids if end is None else ids[:end]
        while self.sampling.stop and end is None and kept and kept[-1] == self.tokenizer.pad_token_id:
            kept.pop()  # The row met a stop text while others went on.
        text, stopped = before_stop(str(self.tokenizer.decode(kept, skip_special_tokens=True)), self.sampling.stop)
        finished = end is not None or stopped
        n_output = len(kept) + (end is not None)
        return Completion(text.strip(), None, "stop" if finished else "length", n_input_tokens, n_output)

    def _text(self, messages: Sequence[Message]) -> str:
        template = self.chat_template or self.tokenizer.chat_template
        if template is None:
            raise SettingError(
                f"the tokenizer of {self.name!r} has no chat template; pass `chat_template=`, or take a model that "
                f"was tuned for chats."
            )
        options: dict[str, Any] = {
            "chat_template": self.chat_template,
            "tokenize": False,
            "add_generation_prompt": True,
        }
        turns: list[Any] = [dict(message) for message in messages]
        tokenizer: Any = self.tokenizer
        try:
            return tokenizer.apply_chat_template(turns, **options)
        except TemplateError:
            # Some templates know no system turn (Gemma's): then it opens the first user turn.
            if turns[0]["role"] != "system" or len(turns) < 2:
                raise
            system, first, *rest = turns
            merged = {"role": first["role"], "content": f"{system['content']}\n\n{first['content']}"}
            return tokenizer.apply_chat_template([merged, *rest], **options)

    def _context(self) -> int:
        return getattr(self.model.config.get_text_config(), "max_position_embeddings", None) or 1 << 30

    def _end_tokens(self) -> set[int]:
        return end_tokens(self.model, self.tokenizer)

    def _load(self) -> "PreTrainedModel":
        import torch  # noqa: PLC0415  (takes seconds to import)
        from accelerate import PartialState  # noqa: PLC0415
        from transformers import AutoModelForCausalLM  # noqa: PLC0415

        device = torch.device(self.device) if self.device else PartialState().device
        # bfloat16 is several times slower than float32 on many CPUs.
        dtype = self.dtype or ("float32" if device.type == "cpu" else "bfloat16")
        model: Any = AutoModelForCausalLM.from_pretrained(
            str(self._folder), dtype=dtype, trust_remote_code=self.trust_remote_code, use_safetensors=True
        )
        return model.to(device).eval()
