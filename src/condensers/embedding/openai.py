"""Embeddings from an OpenAI-compatible server."""

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from condensers.errors import RowError, ServiceError

if TYPE_CHECKING:
    from openai import OpenAI


class OpenAIEmbedder:
    """Embeds through ``POST {base_url}/embeddings`` of any OpenAI-compatible server.

    The API key is read from the environment variable ``OPENAI_API_KEY`` and kept nowhere else.

    Args:
        model: Name of the model on the server.
        base_url: Root of the API, such as ``http://localhost:8000/v1``.
        prompt: Task instruction put before each text, followed by a space.
        batch_size: Texts a request.
        concurrency: Requests under way at once.
        max_retries: How often the client repeats a request that failed in a way that may pass.
        timeout: Seconds a request may take.
    """

    def __init__(
        self,
        model: str,
        base_url: str,
        *,
        prompt: str | None = None,
        batch_size: int = 128,
        concurrency: int = 8,
        max_retries: int = 5,
        timeout: float = 60.0,
    ) -> None:
        self.name = f"{model}@{base_url}"
        self.model = model
        self.base_url = base_url
        self.prompt = prompt
        self.batch_size = batch_size
        self.concurrency = concurrency
        self.max_retries = max_retries
        self.timeout = timeout
        identity = {"format": 1, "model": model, "base_url": base_url.rstrip("/"), "prompt": prompt}
        self.fingerprint = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Embeds texts.

        Shape:
            returns: (n_texts, dim), float32, rows of unit length.

        Raises:
            ServiceError: if the server cannot be reached, refuses, or keeps failing.
            RowError: if it returns another number of vectors than texts, or a zero vector.
        """
        from openai import OpenAI, OpenAIError

        if self.prompt:
            texts = [f"{self.prompt} {text}" for text in texts]
        batches = [texts[i : i + self.batch_size] for i in range(0, len(texts), self.batch_size)]
        # Servers on one's own machine want no key, yet the client insists on one. Threads, not asyncio, since a
        # notebook already runs an event loop.
        key = os.environ.get("OPENAI_API_KEY") or "none"
        client = OpenAI(api_key=key, base_url=self.base_url, max_retries=self.max_retries, timeout=self.timeout)
        try:
            with client, ThreadPoolExecutor(self.concurrency) as pool:
                parts = list(pool.map(lambda batch: self._request(client, batch), batches))
        except OpenAIError as error:
            raise ServiceError(
                f"the embedding server {self.name} failed: {error}. Check the address, the model's name and the "
                f"environment variable OPENAI_API_KEY."
            ) from None
        vectors = np.concatenate(parts)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.all(norms > 0):
            raise RowError(f"{self.name} returned a vector of length zero for text {int(np.argmin(norms))}.")
        return vectors / norms

    def _request(self, client: "OpenAI", batch: Sequence[str]) -> np.ndarray:
        reply = client.embeddings.create(model=self.model, input=list(batch), encoding_format="float")
        vectors = [item.embedding for item in sorted(reply.data, key=lambda item: item.index)]
        if len(vectors) != len(batch):
            raise RowError(f"{self.name} returned {len(vectors)} vectors for {len(batch)} texts.")
        return np.asarray(vectors, dtype=np.float32)
