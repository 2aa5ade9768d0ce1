# Every command works as the first one in a fresh clone.
PORT ?= 8501
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Programs stay compiled from one start to the next, whatever the environment says.
export PYTHONDONTWRITEBYTECODE =

.PHONY: run test check bench faults preview screenshots migrate setup format schema

run: $(VENV)/.runtime
	@$(BIN)/python scripts/migrate.py
	@$(BIN)/python scripts/populate_drip_templates.py
	@$(BIN)/python scripts/load_demo_data.py --if-empty
	@exec $(BIN)/streamlit run app.py --server.port $(PORT)

# By file, so that each server that a file starts is started once. The browsers come after. A journey that failed is walked
# once more with the machine to itself, and says what it was: late, or wrong.
test: $(VENV)/.development
	$(BIN)/pytest -n 4 --dist loadfile -m "not faults" --ignore tests/browser
	$(BIN)/pytest -n 3 --dist loadfile tests/browser || $(BIN)/pytest --last-failed --last-failed-no-failures none tests/browser

check: $(VENV)/.development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports

bench: $(VENV)/.development
	$(BIN)/python -m bench

# FAULTS=full takes the better part of an hour; FAULTS_RULE=retry_on_expiry shows what it would find.
faults: $(VENV)/.development
	$(BIN)/pytest -q -n 2 -m faults --ignore tests/faults tests
	$(BIN)/pytest -q -m faults tests/faults
	$(BIN)/python -m tests.faults --edition $(or $(FAULTS),default) --seed $(or $(FAULTS_SEED),1) \
		$(if $(FAULTS_RULE),--rule $(FAULTS_RULE))

# Of every page, 1440 and 390 wide, light and dark, into docs/screenshots/.
screenshots: $(VENV)/.development
	$(BIN)/python -m tests.browser.screenshots

preview: $(VENV)/.runtime
	$(BIN)/python scripts/preview_templates.py

schema: $(VENV)/.development
	$(BIN)/python scripts/dump_schema.py

format: $(VENV)/.development
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

setup: $(VENV)/.development

$(VENV)/.runtime: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing dependencies (about a minute the first time) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.development: requirements-dev.txt $(VENV)/.runtime
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
