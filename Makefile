# Everything that a newcomer needs: `make demo` and `make test`. Both install what they need first.
PYTHON ?= python3.11
UV_VERSION := 0.13.9
UV := .tools/bin/uv
BIN := .venv/bin
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy
# More than this machine has cores: tests also wait for servers and disks.
TEST_PROCESSES := 3
# Compiled once here, not by every process anew where Python is told not to write bytecode.
export UV_COMPILE_BYTECODE := 1

.PHONY: install demo test lint check docs screenshots e2e-openstack e2e-slurm e2e-prometheus e2e-api e2e-web bench bench-scan scan-wide format clean help

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 24

$(UV):
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-warn-script-location --target .tools uv==$(UV_VERSION)

.venv/.installed: $(UV) pyproject.toml uv.lock
	PYTHONPATH=.tools $(UV) sync --frozen --quiet --python $(PYTHON)
	@touch $@

install: .venv/.installed ## make .venv from the lock file

demo: install ## an example site, from raw records to reports
	$(BIN)/meterhouse demo build/demo

test: install ## all tests that finish within minutes
	$(BIN)/pytest -n $(TEST_PROCESSES) --dist loadfile

lint: install ## ruff, mypy and the import contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test ## what CI runs

docs: install ## write the reference pages, and the outputs that documents show, anew
	$(BIN)/python -m meterhouse.operations.reference docs/reference
	$(BIN)/python tests/docs/shell_examples.py

screenshots: install ## pictures of every page, in light, dark and on a phone, in build/screenshots
	$(BIN)/python tests/web/screenshots.py build/screenshots

e2e-slurm: install ## tests against a real Slurm, which this starts
	tests/e2e/slurm/run.sh

e2e-openstack: install ## tests against a real OpenStack, which this starts
	tests/e2e/openstack/run.sh

e2e-prometheus: install ## tests against a real Prometheus, which this starts
	tests/e2e/prometheus/run.sh

e2e-api: install ## thousands of requests made from the API's description, in every role
	METERHOUSE_API_ROLES="anybody,usage only,unlinked,member,pi,northfield,harbour,staff,administrator" \
	METERHOUSE_API_EXAMPLES=60 METERHOUSE_API_PHASES=coverage,fuzzing,stateful \
	$(BIN)/pytest tests/web/api/test_description.py

e2e-web: install ## a browser, a real identity provider, and the site
	tests/e2e/web/run.sh

bench: install ## measure speed
	$(BIN)/python bench/run.py

bench-scan: install ## measure how fast scans are read
	$(BIN)/python bench/filesystem_scan.py

scan-wide: install ## a scan with ten million files in one directory
	METERHOUSE_WIDE_FILES=10000000 $(BIN)/pytest tests/sources/filesystem/test_wide_directory.py

format: install ## put the code into the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove everything that the other targets made
	rm -rf .venv .tools build
