# The two commands: `make demo` (a picture becomes music, in a fresh environment) and `make test` (the whole default suite).
PYTHON ?= python3
DEMO := .venv-demo
DEV := .venv
PICTURE ?= examples/pictures/lake-at-dawn.jpg

.PHONY: demo test chromium lint types docs bench audit clean

demo: $(DEMO)/.installed
	$(DEMO)/bin/klangbild compose $(PICTURE) -o out --seed 7 -v

SOURCES := $(shell find src -type f -name "*.py" -o -type f -path "*weights*")

$(DEMO)/.installed: pyproject.toml $(SOURCES)
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python -m pip install --quiet --disable-pip-version-check .
	touch $@

test: $(DEV)/.installed chromium
	OMP_NUM_THREADS=1 $(DEV)/bin/python -m pytest -n 2 --dist loadfile

# the browser that the page's tests drive; without it (not Debian, not root) those tests are skipped and say so
chromium:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
	  || echo "no Chromium: the browser tests will be skipped (run 'make chromium' as root on Debian)"

lint: $(DEV)/.installed
	$(DEV)/bin/ruff check . && $(DEV)/bin/ruff format --check .

# the public names and what they are made of ([tool.mypy] in pyproject.toml says which files); half a minute at most
types: $(DEV)/.installed
	$(DEV)/bin/mypy

# the site: docs/, and the reference made from the docstrings; open build/site/index.html
docs: .venv-docs/.installed
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict --quiet

.venv-docs/.installed: pyproject.toml
	$(PYTHON) -m venv .venv-docs
	$(PYTHON) -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['docs'], sep='\n')" > .venv-docs/requirements.txt
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check -r .venv-docs/requirements.txt
	touch $@

bench: $(DEV)/.installed
	OMP_NUM_THREADS=1 $(DEV)/bin/python benchmarks/road.py

# known vulnerabilities of what the base and the page bring, version by version; --strict: what could not be looked up is no pass
audit:
	$(PYTHON) -m venv .venv-audit && .venv-audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	$(PYTHON) -m venv .venv-audited && .venv-audited/bin/python -m pip install --quiet --disable-pip-version-check '.[web]'
	.venv-audited/bin/python -m pip list --format=freeze --exclude klangbild --exclude pip --exclude setuptools > .venv-audited/locked.txt
	.venv-audit/bin/pip-audit --strict --no-deps --disable-pip -r .venv-audited/locked.txt

$(DEV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

clean:
	rm -rf $(DEMO) $(DEV) .venv-docs .venv-audit .venv-audited out build dist
