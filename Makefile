PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PLUGINS := $(sort $(wildcard plugins/*/pyproject.toml))
FOLDERS := $(PLUGINS:/pyproject.toml=)
SOURCES := setup.py pyproject.toml $(wildcard weightopt_core/*.py weightopt_core/*/*.py weightopt_core/*/*.h \
	weightopt_core/kernels/*.pyx weightopt_core/kernels/*.pxd weightopt_core/kernels/pool.c)
RULES := $(wildcard plugins/*/weightopt_*/*.py plugins/*/setup.py)

# What Intel's package of OpenCL for processors lacks in its metadata is named beside it.
INTEL := intel-opencl-rt intel-cmplr-lib-rt

.PHONY: install demo test test-opencl test-opencl-all lint format sync bench dist docs clean

install: $(VENV)/installed

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip setuptools wheel

# The core is built before the plugins, because their rules are compiled with it.
$(VENV)/core: $(BIN)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet cython numpy
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[dev]"
	touch $@

$(VENV)/installed: $(VENV)/core $(PLUGINS) $(RULES)
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps $(FOLDERS:%=--editable %)
	touch $@

demo: install
	$(BIN)/python examples/digits.py

test: install
	$(BIN)/python -m pytest -n auto --dist loadgroup

# On every OpenCL device that is found, and on Oclgrind, which checks how memory is used.
test-opencl: install
	$(BIN)/python -m pip install --quiet "pyopencl[oclgrind]"
	$(BIN)/python -m pytest -n auto --dist worksteal tests/test_opencl*.py

# The same, and on Mesa (apt-get install mesa-opencl-icd) and on Intel's processors' runtime.
test-opencl-all: test-opencl $(VENV)/intel/bin/python
	RUSTICL_ENABLE=llvmpipe WEIGHTOPT_TEST_OPENCL=rusticl \
		$(BIN)/python -m pytest -n auto --dist worksteal tests/test_opencl*.py
	OCL_ICD_VENDORS=$(CURDIR)/$(VENV)/intel/lib/libintelocl.so WEIGHTOPT_TEST_OPENCL=Intel \
		$(BIN)/python -m pytest -n auto --dist worksteal tests/test_opencl*.py

$(VENV)/intel/bin/python:
	$(PYTHON) -m venv $(VENV)/intel
	$@ -m pip install --quiet $(INTEL)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/cython-lint weightopt_core/kernels
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Write what is generated from plugins/: shared package files and install hints.
sync: install
	$(BIN)/python tools/sync_plugins.py

# OPTIONS="--quick" takes less than a minute; --help lists them all.
bench: install
	$(BIN)/python -m benchmarks run $(OPTIONS)

# Everything that is published, built and checked: dist/.
dist: install
	$(BIN)/python tools/dist.py

docs: install
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[docs]"
	$(BIN)/sphinx-build -W --keep-going docs docs/_build

clean:
	rm -rf $(VENV) build docs/_build docs/generated plugins/*/build
	find . -name '*.so' -o -name '*.egg-info' | grep -v $(VENV) | xargs rm -rf
