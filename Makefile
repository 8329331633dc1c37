# medkg: what one does with a checkout. `make` alone lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help setup demo up down test derive lint type layers asyncapi docs supply engine images containers newest bench chaos vllm llm kgx tagger tagger-cv gpu-check fmt clean bench-graph
.PHONY: packages faketime python stack models node ready
MAKEFLAGS += --no-print-directory

CACHE := $(if $(MEDKG_CACHE),$(abspath $(MEDKG_CACHE)),$(HOME)/.cache/medkg)
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
# Where uv is not installed, `make setup` puts one here.
OWN_UV := $(CACHE)/uv/bin/uv
UV = $(shell command -v uv || echo '$(OWN_UV)')
RUN = $(UV) run
CODE = $(wildcard libs/*/medkg_* libs/operations/medkg services/*/medkg_* deploy/supply/medkg_supply deploy/derive/medkg_derive) deploy/supply/check.py deploy/derive/derive.py

# `STACK=compose make demo` uses containers where `make demo` uses processes; likewise `up` and `down`.
STACK ?= processes
export MK_STACK := $(STACK)
# Where no public base image is named, all images are made of packages, those of the servers too.
ifndef PYTHON_IMAGE
export COMPOSE_FILE ?= docker-compose.yml:deploy/compose/local-images.yml
endif
# What Docker's clients need, if the engine is the one that `make engine` has started.
ENGINE = eval "$$(deploy/engine.sh env)"
# What is started by `make` runs its models on processors, unless told otherwise; whoever deploys medkg has to choose.
export MK_ACCELERATOR ?= cpu

# The machine's own Python, and no second look at the lock: `make setup` has synchronised the environment.
export UV_PYTHON_DOWNLOADS := never
export UV_PYTHON_PREFERENCE := only-system
export UV_FROZEN := 1
export UV_NO_SYNC := 1

# The tests, and the product, start hundreds of Python processes. Where the environment forbids to keep what is compiled,
# as images of Python often do, each of them compiles all that it imports, which is half of its start.
unexport PYTHONDONTWRITEBYTECODE

# No package tells its maker that it was installed here.
export SCARF_ANALYTICS := false

# The machine's own certificate authorities, for all who bring others by default.
SYSTEM_CA := $(wildcard /etc/ssl/certs/ca-certificates.crt)
ifneq ($(SYSTEM_CA),)
export SSL_CERT_FILE ?= $(SYSTEM_CA)
export PIP_CERT ?= $(SYSTEM_CA)
export NODE_EXTRA_CA_CERTS ?= $(SYSTEM_CA)
endif

## List the targets
help:
	@awk '/^## / { text = substr($$0, 4); next } /^[a-z-]+:/ && text { split($$1, name, ":"); printf "  make %-10s %s\n", name[1], text } { text = "" }' Makefile

## Install all that is needed: packages, Python environment, servers, Node modules (quick when it is there)
setup: packages python stack node models

## Start everything, send real trials through it and show what came out
demo: ready
	$(ENGINE)
	$(RUN) medkg demo

## Start the servers and the services
up: ready
	$(ENGINE)
	$(RUN) medkg up

## Stop the services and the servers; their data stays
down: python
	$(ENGINE)
	$(RUN) medkg down

## Run every test that needs no container, with real servers as local processes
test: setup
	MEDKG_SERVERS=processes $(RUN) python -m tests.lanes

## Write what follows from the services' declarations: lists, containers, images, AsyncAPI documents, tables
derive: python
	$(RUN) python deploy/derive/derive.py

## Check style and format
lint: python
	$(RUN) ruff check
	$(RUN) ruff format --check

## Check types
type: python
	$(RUN) mypy $(CODE)

## Check that the layers import downwards only
layers: python
	$(RUN) lint-imports

## Check the AsyncAPI documents
asyncapi: node
	npm --prefix asyncapi run --silent validate

## Build the documentation, the AsyncAPI reference included
docs: python node
	npm --prefix asyncapi run --silent html
	$(RUN) mkdocs build --strict

## Check licences and known vulnerabilities of all that we depend on
supply: python packages
	$(RUN) python deploy/supply/check.py licences
	$(RUN) python deploy/supply/check.py compatibility
	$(RUN) python deploy/supply/check.py advisories

## Start a Docker engine, installed from packages, where none answers; `deploy/engine.sh stop` ends it
engine:
	deploy/engine.sh start

## Build the images (quick when nothing has changed)
images: packages python stack
	deploy/images/build.sh

## Run the tests with containers: images, docker-compose.yml, scaling, faults
containers: images
	$(ENGINE)
	MEDKG_SERVERS=containers $(RUN) pytest --durations=10 -m "containers or everywhere" \
	    $$(grep -rlE --include='test_*.py' 'mark\.(containers|everywhere)' deploy libs services tests)

## Try the newest versions that pyproject.toml allows, in a scratch folder
newest: setup
	UV='$(UV)' deploy/supply/newest.sh

## Measure throughput against the floor and the peers
bench: setup
	$(RUN) python -m tests.benchmarks.bench

## Measure writing and asking a knowledge graph of a million edges
bench-graph: setup
	$(RUN) python -m tests.benchmarks.graph

## Let every fault strike the product under load, on three brokers, and print what it did
chaos: setup faketime
	$(RUN) pytest -m chaos tests/chaos

## Train the tagger of names, and measure it: CORPUS="CDR_TrainingSet.PubTator.txt NCBItrainset_corpus.txt"
tagger: python
	$(RUN) python -m medkg_recognition.building $(CORPUS)

## Measure how good a tagger that is trained so is, by five-fold cross-validation, and write nothing
tagger-cv: python
	$(RUN) python -m medkg_recognition.building --only-scores $(CORPUS)

## Say which GPUs the services can use here; without one, end as a service does that needs one
gpu-check: python
	$(RUN) python -m medkg_servicekit.accelerator

## Compare what the real vLLM makes of texts, on processors, with what runs in process; have it keep a schema (6 GB, once)
vllm: python
	PATH="$(dir $(UV)):$$PATH" $(RUN) pytest -s -m vllm tests/vllm

## Have the real kgx check and read again what we export as KGX files (1 GB, once)
kgx: setup
	PATH="$(dir $(UV)):$$PATH" $(RUN) pytest -s -m kgx tests/kgx

## Have a small language model read claims of an article, on one processor (150 MB, once)
llm: python
	PATH="$(dir $(UV)):$$PATH" $(RUN) pytest -s -m llm tests/llm

## Format the code and repair what can be repaired
fmt: python
	$(RUN) ruff check --fix
	$(RUN) ruff format

## End what runs and delete its data, the environment and all that was built
clean:
	if [[ -x .venv/bin/python && -d .medkg ]]; then .venv/bin/python -m medkg_stack wipe; fi
	rm -rf .medkg .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf site docs/_build docs/reference/asyncapi asyncapi/node_modules

# What must be there before the stack can start: servers to be processes, or images of this very code.
ifeq ($(STACK),compose)
ready: python
	@deploy/images/build.sh
else
ready: setup
endif

# The parts of setup. Each looks first whether its work is done.

packages:
	@missing=()
	command -v redis-server >/dev/null || missing+=(redis-server)
	command -v java >/dev/null || missing+=(default-jdk-headless)
	command -v mvn >/dev/null || missing+=(maven)
	if ! command -v uv >/dev/null && [[ ! -x '$(OWN_UV)' ]] && ! python3 -c 'import ensurepip' 2>/dev/null; then missing+=(python3-venv); fi
	if [[ -f asyncapi/package.json ]] && ! command -v npm >/dev/null; then missing+=(npm); fi
	if [[ $${#missing[@]} -gt 0 ]]; then
	    echo "setup: installing $${missing[*]}"
	    $(SUDO) apt-get update -qq
	    # At run level 1 no package starts its server, which would take the port of ours.
	    $(SUDO) env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
	        apt-get install -y -qq --no-install-recommends "$${missing[@]}"
	fi

faketime:
	@if ! compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null; then
	    echo "setup: installing libfaketime"
	    $(SUDO) apt-get update -qq
	    $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libfaketime
	fi

python: | packages
	@if ! command -v uv >/dev/null && [[ ! -x '$(OWN_UV)' ]]; then
	    echo "setup: installing uv to $(OWN_UV)"
	    python3 -m venv '$(CACHE)/uv'
	    '$(CACHE)/uv/bin/pip' install --quiet 'uv>=0.9,<1'
	fi
	$(UV) sync --quiet --all-packages --all-groups --frozen

stack: python
	@$(RUN) python -m medkg_stack prepare

models: python | packages
	@$(RUN) medkg models fetch >/dev/null

node: | packages
	@if [[ -f asyncapi/package.json ]]; then
	    stamp="asyncapi/node_modules/.medkg-$$(sha256sum asyncapi/package-lock.json | cut -c1-16)"
	    if [[ ! -f $$stamp ]]; then
	        echo "setup: installing the Node modules of asyncapi/"
	        npm --prefix asyncapi ci --silent
	        touch "$$stamp"
	    fi
	fi
