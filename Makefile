# make demo   set up and run the ECON-T design end to end on embedded data
# make test   set up and run every check: ruff, mypy, pytest
# make proofs prove that upsets of one copy change no output and heal; PROOFS=--quick leaves out what takes long
# make bench DATA=folder   compare with other generators on the models in folder/bench (hours; stops and goes on)
PYTHON   ?= python3
PIP_ARGS ?=

VENV  := .venv
PEERS := .venv-peers
STAMP := $(VENV)/.installed
# The simulator's own make must not see the flags of this one.
BIN   := env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL $(VENV)/bin

.PHONY: demo test test-fast proofs bench lint env browser clean

demo: env
	@$(BIN)/codesign demo

test: lint browser
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist worksteal

test-fast: env
	@$(BIN)/pytest -m "not slow"

proofs: env
	@$(BIN)/python -m codesign.flows.proofs $(PROOFS)

bench: env $(PEERS)/.installed
	@test -n "$(DATA)" || { echo "error: name the folder with bench/ and liberty/: make bench DATA=folder" >&2; exit 2; }
	@$(BIN)/python -m benchmarks.side_by_side --data "$(DATA)" --peers $(PEERS)/bin/python
	@$(BIN)/python -m benchmarks.hls4ml_emulation --data "$(DATA)" --peers $(PEERS)/bin/python
	@$(BIN)/python -m benchmarks.emulation --data "$(DATA)/bench" --peers $(PEERS)/bin/python
	@$(BIN)/python -m benchmarks.emission
	@$(BIN)/python -m benchmarks.designs
	@$(BIN)/python -m benchmarks.row_growth --data "$(DATA)"
	@$(BIN)/python -m benchmarks.row_engines --data "$(DATA)"
	@$(BIN)/python -m benchmarks.document

lint: env
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict codesign

# The tests of the report page open it in Chromium; without one they are skipped.
browser: env
	@command -v chromium chromium-browser google-chrome >/dev/null || \
	  { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && \
	    apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
	  $(BIN)/playwright install chromium || \
	  echo "no Chromium could be installed: the tests of the report page are skipped" >&2

env: $(STAMP)

$(STAMP): pyproject.toml constraints.txt requirements-axi.txt
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null || \
	  { echo "error: '$(PYTHON)' is not Python 3.11 or newer: name one, as in make demo PYTHON=python3.12" >&2; exit 3; }
	@$(PYTHON) -c "import ensurepip, venv" 2>/dev/null || \
	  { echo "error: '$(PYTHON)' cannot create environments: on Debian and Ubuntu, apt install python3-venv" >&2; exit 3; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --use-pep517 $(PIP_ARGS) -c constraints.txt -e ".[dev,root,ecp5]"
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) --no-deps -r requirements-axi.txt
	@touch $@

# The other generators, apart from this project's own environment; without them their rows are skipped.
$(PEERS)/.installed: benchmarks/requirements.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -r $< && touch $@ || \
	  echo "the other generators could not be installed: their rows are skipped" >&2

clean:
	rm -rf $(VENV) $(PEERS) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
