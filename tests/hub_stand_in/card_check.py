"""What the Hub checks in the metadata of a card, as far as its documentation says.

Rejected are a broken YAML block, a licence, language or size that is not on the Hub's lists, values of the wrong kind,
and configurations without files. A task that is not on its list, and a card without metadata, give a warning.
"""

import re

import yaml

_BLOCK = re.compile(r"\A---\r?\n(.*?)\r?\n---(?:\r?\n|\Z)", re.DOTALL)

# https://huggingface.co/docs/hub/repositories-licenses, without the licences of single models.
LICENCES = frozenset(
    "apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m "
    "afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 "
    "cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 "
    "cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 "
    "cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl "
    "gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c ms-pl mpl-2.0 odc-by odbl "
    "openmdw-1.0 openmdw-1.1 openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl lgpl-lr "
    "deepfloyd-if-license fair-noncommercial-research-license llama2 llama3 llama3.1 llama3.2 "
    "llama3.3 llama4 gemma unknown other".split()
)
SIZES = frozenset(
    "n<1K 1K<n<10K 10K<n<100K 100K<n<1M 1M<n<10M 10M<n<100M 100M<n<1B 1B<n<10B 10B<n<100B 100B<n<1T n>1T".split()
)
TASKS = frozenset(
    "text-classification token-classification table-question-answering question-answering zero-shot-classification "
    "translation summarization feature-extraction text-generation fill-mask sentence-similarity text-to-speech "
    "text-to-audio automatic-speech-recognition audio-to-audio audio-classification tabular-classification "
    "tabular-regression tabular-to-text table-to-text multiple-choice text-ranking text-retrieval "
    "time-series-forecasting text-to-image image-to-text image-classification visual-question-answering "
    "reinforcement-learning other".split()
)
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*|code|multilingual")


def check_card(content, kind):
    """Errors and warnings about the metadata of a card, in words."""
    block = _BLOCK.match(content)
    if block is None:
        return [], ["empty or missing yaml metadata in repo card"]
    try:
        data = yaml.safe_load(block[1])
    except yaml.YAMLError as error:
        return [f"bad YAML: {error}"], []
    if data is None:
        return [], ["empty or missing yaml metadata in repo card"]
    if not isinstance(data, dict):
        return ["the metadata must be an object"], []
    errors = [*_of_lists(data), *_of_texts(data), *_configs(data.get("configs", []))]
    unknown = [task for task in _listed(data.get("task_categories")) if task not in TASKS]
    return errors, [f'The task_categories "{task}" is not in the official list' for task in unknown]


def _of_lists(data):
    for name, allowed in (("license", LICENCES), ("size_categories", SIZES)):
        for value in _listed(data.get(name)):
            if value not in allowed:
                yield f'"{name}" must be one of [...]; got {value!r}'
    for value in _listed(data.get("language")):
        if not isinstance(value, str) or not _LANGUAGE.fullmatch(value):
            yield f'"language" must only contain lower-case ISO 639 codes; got {value!r}'


def _of_texts(data):
    for name in ("tags", "task_categories", "source_datasets", "datasets"):
        if any(not isinstance(value, str) or not value for value in _listed(data.get(name))):
            yield f'"{name}" must be strings; got {data[name]!r}'
    for name in ("pretty_name", "license_name", "license_link", "library_name"):
        if not isinstance(data.get(name, ""), str):
            yield f'"{name}" must be a string'


def _configs(configs):
    if not isinstance(configs, list):
        yield '"configs" must be an array'
        return
    for k, config in enumerate(configs):
        if not isinstance(config, dict) or not isinstance(config.get("config_name"), str):
            yield f'"configs[{k}].config_name" is required'
        elif not config.get("data_files") and not config.get("data_dir"):
            yield f'"configs[{k}].data_files" is required'


def _listed(value):
    return [] if value is None else value if isinstance(value, list) else [value]
