"""Rows: columns, joining and splitting fields, budgets, duplicates, loading, sample data, careful writing, seeds."""

from condensers.data.budget import Budget
from condensers.data.columns import SEPARATOR, Columns, QuestionColumns, resolve_columns, resolve_questions
from condensers.data.dedup import Dedup, Duplicates, drop_duplicates, drop_repeats
from condensers.data.files import cache_folder, check_output, new_folder, read_json, write_json, write_text
from condensers.data.loading import load_source, load_splits, load_test_split, str_of
from condensers.data.model_files import find_model_files, quiet_loading
from condensers.data.progress import hidden_progress_bars
from condensers.data.randomness import temporary_seed
from condensers.data.rows import Rows, read_rows, require_rows
from condensers.data.samples import sample_dataset

__all__ = [
    "SEPARATOR",
    "Budget",
    "Columns",
    "Dedup",
    "Duplicates",
    "QuestionColumns",
    "Rows",
    "cache_folder",
    "check_output",
    "drop_duplicates",
    "drop_repeats",
    "find_model_files",
    "hidden_progress_bars",
    "load_source",
    "load_splits",
    "load_test_split",
    "new_folder",
    "quiet_loading",
    "read_json",
    "read_rows",
    "require_rows",
    "resolve_columns",
    "resolve_questions",
    "sample_dataset",
    "str_of",
    "temporary_seed",
    "write_json",
    "write_text",
]
