# Every target creates what it needs in .venv; nothing is installed outside of it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo run test check bench screenshots share clean

demo: $(STAMP)
	$(BIN)/mcast-tui demo

run: $(STAMP)
	$(BIN)/mcast-tui $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal $(ARGS)

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(STAMP)
	$(BIN)/python -m benchmarks $(ARGS)

screenshots: $(STAMP)
	$(BIN)/python screenshots/make.py

# The manual page and the completions of three shells, made of the command definitions.
share: $(STAMP)
	mkdir -p share/man/man1 share/bash-completion/completions share/zsh/site-functions share/fish/vendor_completions.d
	$(BIN)/mcast-tui man >share/man/man1/mcast-tui.1
	$(BIN)/mcast-tui completion bash >share/bash-completion/completions/mcast-tui
	$(BIN)/mcast-tui completion zsh >share/zsh/site-functions/_mcast-tui
	$(BIN)/mcast-tui completion fish >share/fish/vendor_completions.d/mcast-tui.fish

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
