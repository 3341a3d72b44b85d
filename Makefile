# `make demo` and `make test` need Python 3.11 or newer and nothing else.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Two processes with one thread each beat two that fight over all cores. Files are taken in order: by the number of their
# tests, the long pages of the documentation would come last and be waited for.
PYTEST := OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python -m pytest

# Where it is set, each of the many processes that tests start would compile torch and transformers anew, two thirds of
# the time that their import takes.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types imports wheel docs clean start

help:  ## Say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml setup.cfg constraints.txt requirements-no-deps.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -c constraints.txt -e '.[offline,dev]'
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --no-deps -r requirements-no-deps.txt
	@touch $@

demo: $(STAMP)  ## Condense the sample dataset with four methods and with a small LLM; reports in runs/demo, runs/demo_llm
	HF_HUB_OFFLINE=1 $(BIN)/condensers compare sample:shop_messages --embedder offline --per-class 4 \
	  --methods random,herding,k_center,facility_location --learners linear_probe,fine_tuned \
	  --seeds 5 --fine-tuned-seeds 2 --fine-tuned-steps 30 --output runs/demo --overwrite
	HF_HUB_OFFLINE=1 $(BIN)/condensers condense sample:shop_messages --embedder offline --per-class 2 \
	  --method condenselm --llm offline --reward-model probe --reply-format single --temperature 0.7 --candidates 3 \
	  --output runs/demo_llm --overwrite

test: $(STAMP)  ## Run the tests
	$(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: lint types imports wheel start docs  ## Style, types, import rules, a wheel that holds every template and card, the docs

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

imports: $(STAMP)
	$(BIN)/lint-imports

wheel: $(STAMP)
	rm -rf build/wheel
	$(BIN)/python -m build --wheel --no-isolation --outdir build/wheel . > build.log 2>&1 || (cat build.log; exit 1)
	@rm -f build.log
	$(BIN)/python tests/check_wheel.py build/wheel

start: $(STAMP)
	$(BIN)/python tests/check_start.py

docs: $(STAMP)  ## Build the documentation; open docs/_build/html/index.html
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --builder html docs docs/_build/html

clean:  ## Remove what the other targets made, the virtual environment included
	rm -rf $(VENV) build dist docs/_build runs .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
