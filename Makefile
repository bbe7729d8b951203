# Two commands need nothing but Python 3.11 or newer:  make tutorial  and  make test.  `make` alone lists the rest.
# The environment in .venv is made when it is missing, renewed when versions change, and need not be activated.

PYTHON ?= python3
VENV = .venv
MODE = auto
DATA =
NB =
TIMEOUT = 300
LAB =
TORCH = default
WORKERS = -n logical --maxprocesses 4 --dist worksteal

BIN = $(VENV)/bin
READY = $(VENV)/.installed
INSTALL = -m pip install --quiet --disable-pip-version-check
# The kernel named python3 is this environment's, whatever else the user or the system has under that name.
OWN_KERNEL = JUPYTER_PATH="$$($(BIN)/python -c 'import sys; print(sys.prefix)')/share/jupyter"

.DEFAULT_GOAL := help
.PHONY: help tutorial test review lab gallery trust mutants bench constraints offline-kit clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

tutorial: $(READY) ## run the notebooks; MODE=smoke|quick|full, DATA=folder of images, NB="00 01"
	@echo "tutorial: running the notebooks, each in a process of its own"
	@$(BIN)/colorstyle run $(NB) --mode $(MODE) $(if $(DATA),--data "$(DATA)")

# Tests run in several processes of one thread each: threads that wait for each other on a busy machine take minutes for
# seconds of work. nbmake passes no parameters, so the mode comes by variable.
test: export OMP_NUM_THREADS = 1
test: $(READY) ## check style and imports, run the tests, then every notebook in smoke mode
	@echo "test: style, order of imports, unit tests, then the notebooks and solutions in smoke mode"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo --no-cache
	@$(BIN)/python -m pytest $(WORKERS) --ignore tests/test_browser.py
	@$(OWN_KERNEL) $(BIN)/python -m pytest tests/test_browser.py || test $$? = 5  # 5: skipped, as there is no Chromium
	@COLORSTYLE_MODE=smoke $(OWN_KERNEL) $(BIN)/python -m pytest --durations=0 \
		--nbmake --nbmake-kernel=python3 --nbmake-timeout=$(TIMEOUT) $(WORKERS) notebooks

review: $(READY) ## the reviewer's hour: notebooks in smoke mode, a figure, the claims, and what agrees
	@for step in 'run --mode smoke' 'figures make opponents' claims 'claims --check' 'figures check'; do \
		echo "review: colorstyle $$step"; start=$$(date +%s); \
		$(BIN)/colorstyle $$step || exit 1; \
		echo "review: $$(($$(date +%s) - start)) s"; \
	done

lab: $(READY) ## open the notebooks in JupyterLab; LAB="--no-browser --allow-root" passes options on
	@$(OWN_KERNEL) $(BIN)/python -m jupyter lab $(LAB) notebooks

gallery: $(READY) ## write runs/gallery.html, the demo photographs before and after, for anyone without Python
	@$(BIN)/colorstyle gallery -o runs/gallery.html

trust: $(READY) ## damage files by the thousand, kill calls, hostile downloads and archives: a result or one clear line each
	@JAXTYPING_DISABLE=1 OMP_NUM_THREADS=1 $(BIN)/python tests/trust.py

mutants: $(READY) ## change the code in small ways: how many changes the tests notice
	@$(BIN)/python $(INSTALL) -c constraints.txt coverage
	@OMP_NUM_THREADS=1 $(BIN)/python tests/mutants.py

# Checking shapes takes time of its own, so that is switched off here.
bench: $(READY) ## compare speed and memory with the alternatives
	@$(BIN)/python $(INSTALL) -c constraints.txt -e '.[dev]'
	@JAXTYPING_DISABLE=1 $(BIN)/python -m pytest -s -m benchmark tests/benchmarks

constraints: ## renew constraints.txt from the newest versions that fit pyproject.toml
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	$(PYTHON) -m venv "$$folder/venv" && \
	"$$folder/venv/bin/python" $(INSTALL) -e '.[dev]' && \
	"$$folder/venv/bin/python" -m pip freeze --exclude-editable | sed 's/+[a-z0-9.]*$$//' > "$$folder/new" && \
	if grep -E '@|/' "$$folder/new"; then echo "constraints: these lines name a place, not a version" >&2; exit 1; fi && \
	cp "$$folder/new" constraints.txt && echo "constraints: $$(wc -l < constraints.txt) versions"

# The Python that a kit is for makes it; a version such as 3.12 is short for python3.12.
offline-kit: ## all that a machine without a network needs, in dist/; PYTHON=3.12 is that machine's, TORCH=none: its own torch
	@$(if $(filter 3.%,$(PYTHON)),python$(PYTHON),$(PYTHON)) tools/offline_kit.py --torch $(TORCH)

clean: ## remove caches and builds; .venv and runs/ stay
	@rm -rf build dist .pytest_cache .ruff_cache .hypothesis
	@find colorstyle_lib tests notebooks \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

# The stamp is made last: an installation that broke off is taken up again.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "colorstyle needs Python 3.11 or newer, and $(PYTHON) is not; name one that is: make test PYTHON=python3.12" >&2; \
		exit 1; }
	@echo "$(VENV): installing (some minutes and about 6 GB where torch comes with CUDA; once)"
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python $(INSTALL) -c constraints.txt -e '.[test]'
	@touch $@
