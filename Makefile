# Every target makes .venv by itself and installs again only when setup.cfg has changed.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test test-opencv5 bench lint clean

demo: .venv/.installed-demo
	$(BIN)/python apps/detect.py --source demo --headless --max-frames 150 --track \
		--output out/demo.mp4 --results out/demo.jsonl --snapshot out/demo.png

# Two processes: a test file keeps to one of them, and more would need more memory than a laptop has. TensorFlow computes
# with one thread in each, or they would wait for one another on two cores.
PYTEST := -m pytest --numprocesses 2 --dist loadfile
test test-opencv5: export TF_NUM_INTRAOP_THREADS := 1

test: lint
	$(BIN)/python $(PYTEST)

# The same tests with OpenCV 5, which lacks the Darknet reader that the importer is compared with.
test-opencv5: .venv-opencv5/.installed
	.venv-opencv5/bin/python $(PYTEST)

lint: .venv/.installed-test
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy cnn_suite

bench: .venv/.installed-test
	$(BIN)/python benchmarks/start_up.py
	for folder in saved_models/*/; do $(BIN)/python benchmarks/detector_latency.py "$$folder" || exit 1; done

clean:
	rm -rf .venv .venv-opencv5 out

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("cnn_suite needs Python 3.11 or newer; try make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv

.venv/.installed-demo: setup.cfg pyproject.toml | .venv/bin/python
	@echo "Installing into .venv (TensorFlow is large: a few minutes the first time)"
	$(PIP) install -e '.[demo]'
	touch $@

.venv/.installed-test: setup.cfg pyproject.toml | .venv/bin/python
	@echo "Installing into .venv (TensorFlow is large: a few minutes the first time)"
	$(PIP) install -e '.[test,plots,demo]'
	touch $@

.venv-opencv5/.installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv-opencv5
	.venv-opencv5/bin/python -m pip --disable-pip-version-check install -e '.[checks,plots,demo]' 'opencv-python>=5'
	touch $@
