"""First attempts of an inverter, written ahead for the training of a corrector."""

import hashlib
import json
from pathlib import Path

import datasets
import numpy as np
from accelerate import PartialState

from condensers.data import progress_bar, write_json
from condensers.errors import StorageError
from condensers.inversion.inverter.embedding_inverter import EmbeddingInverter
from condensers.inversion.inverter.targets import unit_targets
from condensers.llm.model_digest import weights_digest

_SHARD_ROWS = 512


def write_hypotheses(
    inverter: EmbeddingInverter, vectors: np.ndarray, *, batch_size: int = 64, progress: bool = True
) -> list[str]:
    """Writes one text a vector, greedily, taking from the cache what was written before (PInR, Eq. 5: x_0 given e).

    Texts lie in the cache of `datasets` in shards of 512, under the inverter's weights and the vectors, so a killed
    run goes on at the shard where it stopped. Under ``accelerate launch`` each process writes its share, and all of
    them read the whole; they must share the cache folder.

    Args:
        inverter: A trained inverter, on the device where it shall run.
        vectors: What to invert.
        batch_size: Vectors a forward pass.
        progress: Show a bar.

    Shape:
        vectors: (n, embedding_dim).

    Raises:
        RowError: if a vector is not finite or zero, or there are none.
        SettingError: if their dimension is not that of the inverter.
        StorageError: if the cache cannot be written.
    """
    targets = unit_targets(vectors, inverter.config)
    folder = Path(datasets.config.HF_DATASETS_CACHE) / "condensers" / "hypotheses" / weights_digest(inverter)
    shards = [targets[start : start + _SHARD_ROWS] for start in range(0, len(targets), _SHARD_ROWS)]
    paths = [folder / f"{hashlib.sha256(shard.tobytes()).hexdigest()[:32]}.json" for shard in shards]
    state = PartialState()
    mine = list(zip(shards, paths, strict=True))[state.process_index :: state.num_processes]
    shown, n = progress and state.is_main_process, sum(len(shard) for shard, _ in mine)
    with progress_bar(total=n, desc="Hypotheses", unit="row", shown=shown) as bar:
        for shard, path in mine:
            if not path.is_file():
                _write_shard(inverter, shard, path, batch_size)
            bar.update(len(shard))
    state.wait_for_everyone()
    return [text for path in paths for text in json.loads(path.read_text(encoding="utf-8"))]


def _write_shard(inverter: EmbeddingInverter, shard: np.ndarray, path: Path, batch_size: int) -> None:
    texts: list[str] = []
    for start in range(0, len(shard), batch_size):
        texts += inverter.write(shard[start : start + batch_size])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, texts)
    except OSError as error:
        raise StorageError(
            f"could not write hypotheses in {str(path.parent)!r}: {error.strerror or error}. Free some space, or set "
            f"HF_DATASETS_CACHE to another place."
        ) from error
