# Every target sets itself up: a virtual environment in .venv, packages pinned by constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
SERVE ?= 1
PEERS := implicit lenskit recbole rectools

.PHONY: demo test check bench bench-peers docs clean

demo: $(VENV)/.demo
	@SERVE=$(SERVE) $(BIN)/python examples/demo.py

test: $(VENV)/.everything
	$(BIN)/python -m pytest

check: $(VENV)/.everything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html

bench: $(VENV)/.everything
	$(BIN)/python benchmarks/run.py

bench-peers: $(VENV)/.everything $(PEERS:%=.bench/env/%/.ready)
	$(BIN)/python benchmarks/versus.py $(ARGS)

docs: $(VENV)/.everything
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

clean:
	rm -rf $(VENV) docs/_build demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "evorec needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	@echo "setting up: about half a minute the first time"
	@$(PIP) install --upgrade pip
	@$(PIP) install -c constraints.txt -e '.[models,plot]'
	@touch $@

$(VENV)/.everything: pyproject.toml constraints.txt | $(BIN)/python
	@echo "setting up everything, PyTorch included: a few minutes the first time"
	@$(PIP) install --upgrade pip
	@$(PIP) install -c constraints.txt torch -e '.[models,text,sequence,plot,frames,tune,dev,docs]'
	@touch $@ $(VENV)/.demo

# A peer has an environment of its own: what it pins must not meet what we pin.
.bench/env/%/.ready: benchmarks/peers/%.txt | $(BIN)/python
	@echo "setting up $*: minutes the first time"
	@$(PYTHON) -m venv .bench/env/$*
	@.bench/env/$*/bin/python -m pip --disable-pip-version-check --quiet --quiet install -r $<
	@touch $@
