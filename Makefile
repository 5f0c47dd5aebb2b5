# ganbench: `make run` and `make test` need Python >= 3.11 and make; the rest is set up by them.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# One thread each: processes that share cores would wait for each other's threads. Tests count the files that commands write.
PYTEST := OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile
.DEFAULT_GOAL := help
.PHONY: help run test coverage lint types format hooks build wheel release bench bench-gpu chaos server ui compare leaderboard studies results report docs data bundle clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Both rates are 5e-4, and the generator is averaged over 2 % of the training: samples are good after two minutes, not ten.
LESSON = --loss minimax --arch mlp --set train.generator_lr=5e-4 --set train.critic_lr=5e-4 --set train.ema=0.02
run: $(READY)  ## Train minimax + mlp on MNIST, let the same GAN collapse, and show both side by side (four minutes on a CPU)
	$(BIN)/ganbench run $(LESSON) --generator-steps 9000 --name balanced
	@echo
	@echo "The same GAN again, with five updates of the generator for each one of the discriminator:"
	$(BIN)/ganbench run $(LESSON) --set train.n_generator=5 --generator-steps 4000 --name "generator ahead"
	@echo
	$(BIN)/ganbench report --out mlruns-ganbench/reports
	@echo
	@echo "Those commands are in $(BIN): try '$(BIN)/ganbench run --loss non-saturating', then '$(BIN)/ganbench compare'."
	@echo "'make ui' opens the MLflow page, 'make report' writes a report you can open in a browser."

test: $(READY) lint types  ## Check style and types, and run all tests
	$(PYTEST)

coverage: $(READY)  ## Run all tests, and print which lines of the package none of them reaches
	$(PYTEST) --cov=ganbench --cov-report=term

lint: $(READY)  ## Check style (ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## Check types (mypy --strict)
	$(BIN)/mypy

format: $(READY)  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

hooks: $(READY)  ## Check style and types before every commit (pre-commit)
	@$(BIN)/uv tool run pre-commit install

build: $(READY)  ## Build the wheel and the source distribution: dist/
	@rm -rf dist
	@$(BIN)/uv build --quiet && ls -l dist

wheel: $(READY)  ## Install the wheel into an empty environment, and use it there, outside of this folder
	@UV=$(BIN)/uv PYTHON=$(BIN)/python .ci/wheel

release: $(READY)  ## Set the version, date the changelog, build, check, commit and tag: VERSION=1.2.0
	@UV=$(BIN)/uv .ci/release "$(VERSION)"

bench: $(READY)  ## Measure every claim about speed on this CPU (twenty minutes to half an hour; nothing else should run)
	$(BIN)/python -m benchmarks

bench-gpu: $(READY)  ## On a GPU: check that it computes the same, then measure every claim, in under nine minutes
	$(BIN)/python -m pytest -q tests/training/test_gpu.py
	$(BIN)/python -m benchmarks --device cuda --rounds 3 --minutes 8

CHAOS := kills preemption viewers server_away eight_workers disk_full inodes many_runs ray_node slurm_jobs two_machines
chaos: $(READY)  ## Break things under real sweeps and count what is lost (an hour; wants root, Ray, Slurm and PostgreSQL)
	@for script in $(CHAOS); do echo "== $$script"; $(BIN)/python -m tests.chaos.$$script || exit 1; done

ui: $(READY)  ## Open the MLflow page of ./mlruns-ganbench
	$(BIN)/ganbench ui

server: $(READY)  ## Serve one store for a group of people: MLflow on PostgreSQL (docs/server.md)
	@server/start.sh

studies: $(READY)  ## List the studies in experiments/studies: done, running, what they cost; RUN=1 trains what is missing
	@$(BIN)/ganbench $(if $(RUN),sweep,status) experiments/studies || test -z "$(RUN)"

compare: $(READY)  ## Compare the runs in ./mlruns-ganbench
	$(BIN)/ganbench compare

leaderboard: $(READY)  ## Rank the methods of all reports/*/results.csv in docs/leaderboard.md
	@$(BIN)/ganbench leaderboard --format markdown > docs/.leaderboard.part || { rm -f docs/.leaderboard.part; exit 2; }
	@{ printf '# Leaderboard\n\n'; \
	   printf 'Made by `make leaderboard` from the result files in `reports/`, with the command\n'; \
	   printf '`ganbench leaderboard --format markdown`; add a row [by a pull request](howto/submit.md).\n\n'; \
	   cat docs/.leaderboard.part; } > docs/leaderboard.md
	@rm docs/.leaderboard.part
	@echo "wrote docs/leaderboard.md"

results: $(READY)  ## Write docs/results.md and README's summary from the studies' result files in reports/
	$(BIN)/python -m experiments.results_page

report: $(READY)  ## Write a report on the runs in ./mlruns-ganbench; FROM=reports/.../results.csv makes one again
	$(BIN)/ganbench report $(if $(FROM),--from $(FROM))

docs: $(READY)  ## Build the documentation as a site: site/index.html
	@$(BIN)/python docs/generate.py
	@$(BIN)/python -m sphinx --fail-on-warning --keep-going -q docs site
	@echo "open site/index.html"

data: $(READY)  ## Fetch MNIST into the cache
	$(BIN)/ganbench data fetch mnist

WITHOUT ?=
WITH ?=
LIMIT ?= 60
DATASETS ?= mnist
bundle: $(READY)  ## Pack ganbench for a machine without a network: WITHOUT="torch torchvision" LIMIT=60 (docs/offline.md)
	@$(BIN)/python offline/bundle.py --without "$(WITHOUT)" --with "$(WITH)" --datasets "$(DATASETS)" --limit $(LIMIT) \
		$(if $(PYTHON_VERSION),--python $(PYTHON_VERSION)) $(if $(PLATFORM),--platform $(PLATFORM))

clean:  ## Remove the virtual environment and tool caches (runs and data stay)
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis

# TORCH=cpu chooses the build of torch without CUDA, which is a fraction of the size; TORCH=cu126 the one for that version.
# Where it can't be had, as behind a mirror that lacks it, the usual one is installed.
TORCH ?=
INSTALL = $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt -e '.[dev]'

# uv installs what pip would, in a fraction of the time; it comes from the package index, into the environment. Compiled
# bytecode, which pip would make and uv would not, halves the time that every command takes to start.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "ganbench needs Python 3.11 or newer; '$(PYTHON)' is older. Name another: make PYTHON=python3.12 ..."; exit 2; }
	@test -x $(BIN)/uv || $(MAKE) --no-print-directory $(BIN)/uv
	@echo "installing (torch is large: the first time takes a minute or more) ..."
	@$(if $(TORCH),$(INSTALL) --torch-backend $(TORCH) 2>/dev/null || \
		{ echo "torch for '$(TORCH)' can't be had here: installing the usual one ..."; $(INSTALL); },$(INSTALL))
	@touch $@

# Debian keeps what venv needs for pip in a package of its own; where that is missing, the system's pip does it.
$(BIN)/uv:
	@echo "making $(VENV) ..."
	@rm -rf $(VENV)
	@{ $(PYTHON) -m venv $(VENV) >/dev/null && $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv; } || \
		{ rm -rf $(VENV); $(PYTHON) -m venv --without-pip $(VENV) && \
		  $(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check -c constraints.txt uv; } || \
		{ rm -rf $(VENV); echo "A virtual environment can't be set up here. On Debian or Ubuntu: apt install python3-venv"; exit 2; }
