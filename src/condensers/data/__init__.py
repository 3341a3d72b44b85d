"""Rows: columns, joining and splitting fields, budgets, duplicates, loading, samples, writing, seeds, processes."""

from condensers.data.budget import Budget
from condensers.data.columns import SEPARATOR, Columns, QuestionColumns, resolve_columns, resolve_questions
from condensers.data.dedup import Dedup, Duplicates, drop_duplicates, drop_repeats
from condensers.data.files import cache_folder, check_output, new_folder, read_json, write_json, write_text
from condensers.data.loading import load_source, load_splits, load_test_split, str_of
from condensers.data.model_files import find_model_files, quiet_loading
from condensers.data.processes import (
    agreed,
    alone,
    gathered,
    joined,
    meet,
    own_part,
    process_count,
    process_index,
    summed,
    wait,
)
from condensers.data.progress import LOG_DELAY, LOG_INTERVAL, hidden_progress_bars, progress_bar
from condensers.data.randomness import temporary_seed
from condensers.data.rows import Rows, read_rows, require_rows
from condensers.data.samples import sample_dataset
from condensers.data.weights import WEIGHT_COLUMN, check_weights, read_weights

__all__ = [
    "LOG_DELAY",
    "LOG_INTERVAL",
    "SEPARATOR",
    "WEIGHT_COLUMN",
    "Budget",
    "Columns",
    "Dedup",
    "Duplicates",
    "QuestionColumns",
    "Rows",
    "agreed",
    "alone",
    "cache_folder",
    "check_output",
    "check_weights",
    "drop_duplicates",
    "drop_repeats",
    "find_model_files",
    "gathered",
    "hidden_progress_bars",
    "joined",
    "load_source",
    "load_splits",
    "load_test_split",
    "meet",
    "new_folder",
    "own_part",
    "process_count",
    "process_index",
    "progress_bar",
    "quiet_loading",
    "read_json",
    "read_rows",
    "read_weights",
    "require_rows",
    "resolve_columns",
    "resolve_questions",
    "sample_dataset",
    "str_of",
    "summed",
    "temporary_seed",
    "wait",
    "write_json",
    "write_text",
]
