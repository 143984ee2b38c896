# Every target sets itself up in .venv; nothing but Python 3.11+, make and git is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WANTED := -c constraints.txt -e '.[all]' --group dev --group site
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Hundreds of processes import the same modules: where the surroundings forbid to keep them compiled, each compiles all.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: trial test collected test-all test-wheel test-lowest test-lowest-short test-pythons lint bench docs site release-check lock clean

$(READY): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV)"
	@$(BIN)/python -m pip install -q -c constraints.txt uv
	@$(BIN)/uv pip install -q --python $(BIN)/python --compile-bytecode $(WANTED) || { \
		echo "uv could not do it: trying pip, which knows an index of its own configuration"; \
		$(BIN)/python -m pip install -q -U 'pip>=25.1' && $(BIN)/python -m pip install -q $(WANTED); }
	@touch $@

trial: $(READY)  ## try the example app: the legacy factory must be convicted, the hardened one acquitted
	@mkdir -p build
	@$(BIN)/seatrial check examples/stockroom --config examples/stockroom/legacy.toml --json build/trial-legacy.json; \
		code=$$?; test $$code -eq 1 || { echo "trial: the legacy app ended with $$code instead of 1"; exit 1; }
	@$(BIN)/seatrial check examples/stockroom --json build/trial.json; \
		code=$$?; test $$code -eq 0 || { echo "trial: the hardened app ended with $$code instead of 0"; exit 1; }
	@echo "trial: the legacy app was convicted (build/trial-legacy.json), the hardened app acquitted (build/trial.json)"

# Tests are compiled (with their assertions) while mypy runs: the workers would begin with it all at once, each for itself.
# Three workers on two cores: a good part of the time is spent waiting for processes and clocks. In the order of
# tests/conftest.py, where the longest come first.
test: $(READY)  ## what every commit must pass; at most ten minutes on two cores
	@$(MAKE) -s -j 2 lint collected
	@$(BIN)/python -m pytest -q -m "not matrix" -n 3 --dist loadfile --no-loadscope-reorder tests

collected: $(READY)
	@mkdir -p build
	@$(BIN)/python -m pytest -q --collect-only tests > build/collected.log 2>&1 || { cat build/collected.log; exit 1; }

test-all: test trial test-wheel release-check test-lowest test-pythons  ## every matrix
	@$(BIN)/python -m pytest -q -m matrix -n 2 --dist load

test-wheel: $(READY)  ## build the wheel and run it from a venv that cannot see the sources
	@$(BIN)/python ci/wheel_job.py

test-lowest: $(READY)  ## the lowest supported versions of everything
	@$(BIN)/python ci/versions_job.py lowest

test-lowest-short: $(READY)  ## of the same, what touches the libraries itself
	@$(BIN)/python ci/versions_job.py lowest-short

test-pythons: $(READY)  ## every Python from 3.11 on that this machine has, and SQLAlchemy 2.0
	@$(BIN)/python ci/versions_job.py pythons sqlalchemy-2.0

lint: $(READY)  ## ruff, mypy --strict, import-linter on our own code
	@mkdir -p build
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo > build/lint-imports.log 2>&1 || { cat build/lint-imports.log; exit 1; }

bench: $(READY)  ## measured claims: exits 1 when a limit is missed
	@$(BIN)/python -m benchmarks

docs: $(READY)  ## regenerate what is generated, check links, build the site
	@$(BIN)/python ci/docs_job.py
	@$(BIN)/python ci/site_job.py

site: $(READY)  ## the site alone: build/site, offline, every link followed
	@$(BIN)/python ci/site_job.py

release-check: $(READY)  ## build wheel and sdist and look at them: contents, metadata, SBOM, known vulnerabilities
	@$(BIN)/python ci/release_job.py

lock: $(READY)  ## constraints.txt anew: the newest releases that fit together, for every Python and platform
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --all-extras --group dev --group site --group release \
		--no-annotate --no-header --no-emit-index-url --upgrade -o constraints.txt pyproject.toml

clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache
