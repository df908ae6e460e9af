# PartCLIPSeg, step by step. Two commands do everything, set-up included:
#
#   make book     set up, execute every chapter, render the book, check it, say where to open it
#   make test     set up, run every test: the package, the notebooks, the rendered book in headless Chromium
#
#   make lint     form and order only, in seconds: ruff's and biome's format and rules, the direction of the imports
#   make format   bring everything into ruff's and biome's form
#   make pdf      the same book in one file for paper: _build/partclipseg.pdf
#   make html     render again without executing (last executed chapters where there are any, else the sources)
#   make lowest   the package's tests with the lowest versions that pyproject.toml allows, in .venv-lowest
#   make torture  kills, full disks, broken files, senseless inputs: a table of how it went, in minutes
#   make weights  train again everything that ships with the package, and say how long it takes
#   make clean    remove what was built (the environment stays);  make distclean removes the environments too
#
# Another Python:          make PYTHON=python3.12 book        (3.10 or newer)
# A smaller torture:       make KILLS=20 INPUTS=200 DISKS=2 SEED=1 torture
# More cores:              make JOBS=4 book                   (chapters or test files side by side)
# No NVIDIA card (Linux):  see book/running.md for PyTorch's much smaller CPU build

PYTHON  ?= python3
VENV    ?= .venv
LOWEST  ?= .venv-lowest
JOBS    ?= 2
THREADS ?= 1
# How much `make torture` tries, with which seed.
KILLS   ?= 200
INPUTS  ?= 1500
DISKS   ?= 20
SEED    ?= 0

BIN       := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Chapters and tests are offline by design: a download would be a fault, so it is refused at once.
RUN_ENV := OMP_NUM_THREADS=$(THREADS) HF_HUB_OFFLINE=1 JUPYTER_PLATFORM_DIRS=1 PYDEVD_DISABLE_FILE_VALIDATION=1

.PHONY: help book html pdf lint format test lowest torture weights environment clean distclean

help:
	@sed -n '2,19s/^# \{0,1\}//p' Makefile

environment: $(INSTALLED)

$(BIN)/python:
	@command -v "$(PYTHON)" >/dev/null || { \
	  echo "error: no '$(PYTHON)' on PATH; install Python 3.10 or newer, or name one: make PYTHON=python3.12 book"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "error: '$(PYTHON)' is $$($(PYTHON) --version 2>&1), but Python 3.10 or newer is needed;"; \
	  echo "       name another one: make PYTHON=python3.12 book"; exit 1; }
	@echo "== creating $(VENV) with $$($(PYTHON) --version 2>&1)"
	@$(PYTHON) -m venv "$(VENV)" || { rm -rf "$(VENV)"; \
	  echo "error: '$(PYTHON) -m venv' failed; on Debian and Ubuntu: apt install python3-venv"; exit 1; }

$(INSTALLED): pyproject.toml constraints.txt | $(BIN)/python
	@echo "== installing the package and what the book and the tests need (PyTorch is large: minutes, once)"
	@$(BIN)/python -m pip install --disable-pip-version-check -e ".[notebooks,book,tracking,export,test]" -c constraints.txt
	@touch $(INSTALLED)

book: $(INSTALLED)
	@$(RUN_ENV) $(BIN)/python book/tools/execute_chapters.py --jobs $(JOBS)
	@$(BIN)/python book/tools/render_pages.py --need-executed
	@$(BIN)/python book/tools/check_pages.py

pdf: book
	@$(BIN)/python book/tools/print_book.py

html: $(INSTALLED)
	@$(BIN)/python book/tools/render_pages.py
	@$(BIN)/python book/tools/check_pages.py

# .pre-commit-config.yaml runs the same on what a commit holds.
lint: $(INSTALLED)
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/lint-imports
	@$(BIN)/python book/tools/javascript.py lint

format: $(INSTALLED)
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format
	@$(BIN)/python book/tools/javascript.py format

# Form and order first: they take seconds. Then one pytest run, a file at a time to each of JOBS workers. The chapters
# are executed in it once, for the facts in them and for the rendered book.
test: lint
	@$(RUN_ENV) $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --durations 12 tests

# uv takes the lowest versions from pyproject.toml itself, so nothing has to be kept in step with it. Best with the
# oldest Python, too: make PYTHON=python3.10 lowest
lowest: $(LOWEST)/.installed
	@$(RUN_ENV) $(LOWEST)/bin/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -p no:cacheprovider \
	  --ignore tests/book --ignore tests/torture tests
	@$(RUN_ENV) $(LOWEST)/bin/python -m partclipseg_lite compare-released --reference partclipseg_lite/data/released

$(LOWEST)/.installed: pyproject.toml
	@echo "== installing the lowest versions that pyproject.toml allows into $(LOWEST) (PyTorch is large: minutes, once)"
	@$(PYTHON) -m venv --clear "$(LOWEST)"
	@$(LOWEST)/bin/python -m pip install --disable-pip-version-check -q uv
	@$(LOWEST)/bin/uv pip install --python $(LOWEST)/bin/python --resolution lowest-direct -e ".[notebooks,export,test]"
	@touch $@

# Ends with 1 unless every try was good. What was not is in torture.json, to be repeated:
# tests/torture/run.py --repeat torture.json
torture: $(INSTALLED)
	@OMP_NUM_THREADS=1 $(BIN)/python tests/torture/run.py --kills $(KILLS) --inputs $(INPUTS) \
	  --disks $(DISKS) --seed $(SEED) --json torture.json

weights: $(INSTALLED)
	@$(BIN)/python -m partclipseg_lite experiments run
	@$(BIN)/python -m partclipseg_lite experiments ship

clean:
	rm -rf torture.json _build build *.egg-info .pytest_cache .ruff_cache .import_linter_cache .hypothesis

distclean: clean
	rm -rf $(VENV) $(LOWEST) node_modules
