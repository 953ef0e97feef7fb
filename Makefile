PYTHON ?= python3
VENV ?= .venv
# Windows has another name for the folder of programs, and for programs.
WINDOWS := $(filter Windows_NT,$(OS))
BIN := $(VENV)/$(if $(WINDOWS),Scripts,bin)
EXE := $(if $(WINDOWS),.exe)
# What plugins are built from, and the names of those that some of these files belong to.
FILES := $(wildcard plugins/*/*.toml plugins/*/setup.py plugins/*/weightopt_*/*.py)
names = $(sort $(foreach file,$(filter plugins/%,$1),$(word 2,$(subst /, ,$(file)))))
SOURCES := setup.py pyproject.toml $(wildcard weightopt_core/*.py weightopt_core/*/*.py weightopt_core/*/*.h \
	weightopt_core/*/*.pyx weightopt_core/*/*.pxd weightopt_core/kernels/pool.c)
# What the demo starts with; make install brings all others.
DEMO := sgd uniform factor
# As many tests as processors run at once, and the threads of NumPy's matrix products would wait for each other.
PYTEST := OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadgroup
# TESTS="tests/rule/test_rule.py -k refusals" runs some.
TESTS ?=

# What needs nothing but the core is made at the same time.
TOGETHER := @$(MAKE) --no-print-directory --jobs=$(or $(shell getconf _NPROCESSORS_ONLN),2)
# Python compiles what it imports; pip would compile everything, for as long as it downloads.
PIP := $(BIN)/python -m pip install --quiet --no-compile
# Setuptools warns of every editable installation that it is one.
EDITABLE := PYTHONWARNINGS="ignore:Editable installation" \
	$(PIP) --no-build-isolation --editable

BRIDGES := $(patsubst bridges/%/pyproject.toml,%,$(wildcard bridges/*/pyproject.toml))
# What pip is asked for; which build that is, its own settings say. TORCH="torch==2.6.*" is the oldest.
TORCH ?= torch==2.13.0
FRAMEWORK_torch := $(TORCH)
FRAMEWORK_optax := jax optax
OLDEST_torch := torch==2.6.*
OLDEST_optax := jax==0.4.36 jaxlib==0.4.36 optax==0.2.4
FRAMEWORK_ray := ray
EXAMPLES_ray := examples/async_digits.py
# What that optax has not all optimizers for, to compare with.
LACKING_optax := --ignore=bridges/optax/tests/test_peers.py
# One process starts Ray, once.
DIST_ray := loadgroup

# What Intel's package of OpenCL for processors lacks in its metadata is named beside it.
INTEL := intel-opencl-rt intel-cmplr-lib-rt

.PHONY: install check demo test soak test-torch-ecosystem test-sanitize test-sanitize-threads fuzz mutate test-opencl \
	test-opencl-all lint format sync bench dist dist-check sdist wheels stage release-check test-lowest test-newest docs \
	docs-look linkcheck clean $(BRIDGES:%=test-%) $(BRIDGES:%=test-%-oldest) $(BRIDGES:%=demo-%)
.SECONDEXPANSION:

install: $(VENV)/core
	$(TOGETHER) $(VENV)/tools $(VENV)/plugins-all

$(BIN)/python$(EXE):
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade pip setuptools wheel cython numpy

# The core is built before the plugins, because their rules are compiled with it.
$(VENV)/core: $(BIN)/python$(EXE) $(SOURCES)
	$(EDITABLE) ".[cli]"
	touch $@

# Only the plugins with files that changed, or all of them after a change of the core.
$(VENV)/plugins-all: $(FILES)
$(VENV)/plugins-demo: $(filter $(DEMO:%=plugins/%/%),$(FILES))
$(VENV)/plugins-all $(VENV)/plugins-demo: $(VENV)/core
	$(BIN)/python tools/build_plugins.py $(call names,$(if $(filter $(VENV)/core,$?),$^,$?))
	touch $@

# Of the core that is installed, pip takes what its extra names.
$(VENV)/tools: $(VENV)/core
	$(PIP) "weightopt-core[dev]"
	touch $@

# What the examples draw with, and the data that they learn.
$(VENV)/examples: $(VENV)/core
	$(PIP) "weightopt-core[plot]" scikit-learn
	touch $@

demo: $(VENV)/core
	$(TOGETHER) $(VENV)/examples $(VENV)/plugins-demo
	$(BIN)/python examples/digits.py

test: install
	$(PYTEST) $(TESTS)

# The inner loop.
check: lint
	$(PYTEST) -q -m "not slow and not long and not soak" \
		--ignore=tests/packages --ignore=bridges $(TESTS)

# Every lowest version that is promised, on the lowest Python that is found; every newest, on the newest.
test-lowest test-newest: test-%: install
	$(BIN)/python -m pytest -m "slow or soak" tests/packages/test_versions.py -k $*

# An hour of steps, saves, loads, kills and threads, with steady memory, and one of fuzzing; MINUTES=5 for less.
MINUTES ?= 60
soak: install
	$(BIN)/python tools/soak.py --minutes $(MINUTES)
	$(MAKE) fuzz SECONDS=$$(($(MINUTES) * 60))

# Bridges have environments of their own; without their framework, make test skips their tests.
$(BRIDGES:%=test-%): test-%: .venv-%/bridge
	.venv-$*/bin/python -m pytest -n auto --dist $(or $(DIST_$*),worksteal) $(or $(TESTS),bridges/$*/tests)

$(BRIDGES:%=demo-%): demo-%: .venv-%/bridge
	for example in $(or $(EXAMPLES_$*),examples/$*_*.py); do .venv-$*/bin/python $$example || exit; done

# With the lowest versions that the bridge's metadata allows.
$(BRIDGES:%=test-%-oldest): test-%-oldest:
	$(MAKE) .venv-$*-oldest/bridge BRIDGE_$*-oldest=$* FRAMEWORK_$*-oldest="$(OLDEST_$*)"
	.venv-$*-oldest/bin/python -m pytest -n auto --dist worksteal $(or $(TESTS),bridges/$*/tests $(LACKING_$*))

# The trainer of transformers, and accelerate.
test-torch-ecosystem:
	$(MAKE) .venv-hf/bridge BRIDGE_hf=torch FRAMEWORK_hf="$(TORCH) transformers accelerate"
	.venv-hf/bin/python -m pytest bridges/torch/tests/test_ecosystem.py

# An environment beside VENV, with all of that in sight.
BRIDGE = $(or $(BRIDGE_$*),$*)
PURELIB := import sysconfig; folder = sysconfig.get_path('purelib');
.venv-%/bridge: $(VENV)/tools $(VENV)/plugins-all
	$(BIN)/python -m venv .venv-$*
	$(BIN)/python -c "$(PURELIB) print('import site; site.addsitedir(%r)' % folder)" \
		>"$$(.venv-$*/bin/python -c "$(PURELIB) print(folder)")/beside.pth"
	$(PIP:$(BIN)/%=.venv-$*/bin/%) --upgrade setuptools $(FRAMEWORK_$*)
	$(EDITABLE:$(BIN)/%=.venv-$*/bin/%) bridges/$(BRIDGE) --no-deps
	touch $@

# In a copy that is compiled with GCC's sanitizers; SANITIZED="tests/engine/test_plan.py" runs some. Under them a
# library does not find those beside it, such as OpenCL's, and to start and kill a process takes a second.
SANITIZED ?= -m "not slow and not soak" --ignore=tests/packages
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g
test-sanitize: install
	CC=gcc LDSHARED="gcc -shared" CFLAGS="$(SANITIZE)" LDFLAGS="-fsanitize=address,undefined" \
		$(BIN)/python tools/build_copy.py build/sanitize env PYTHONMALLOC=malloc \
		ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 KILLS=30 \
		LD_LIBRARY_PATH="$(CURDIR)/$(wildcard $(VENV)/lib/*/site-packages/pyopencl/.libs)" \
		LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
		$(CURDIR)/$(BIN)/python -m pytest -q -p no:cacheprovider $(SANITIZED)

# The pool by itself, and threads that step by a copy of the core that is compiled with ThreadSanitizer. Python is
# not; it is told of the interpreter's lock, which is a mutex. Addresses stay where older libraries know them.
ROUNDS ?= 20
test-sanitize-threads: install
	$(BIN)/python -m pytest -q -m slow tests/threads/test_pool_sanitize.py -k thread
	PLUGINS="sgd adam lamb ema" CC=gcc LDSHARED="gcc -shared" CFLAGS="-fsanitize=thread -g1" LDFLAGS="-fsanitize=thread" \
		$(BIN)/python tools/build_copy.py build/sanitize-threads setarch -R env OPENBLAS_NUM_THREADS=1 \
		TSAN_OPTIONS="halt_on_error=1 exitcode=66" LD_PRELOAD="$$(gcc -print-file-name=libtsan.so)" \
		$(CURDIR)/$(BIN)/python tests/threads/sanitize/engine_stress.py $(ROUNDS)

# Readers of foreign bytes, guided by coverage.
SECONDS ?= 60
fuzz: install
	$(PIP) "weightopt-core[fuzz]"
	$(BIN)/python tools/fuzz.py --seconds $(SECONDS)

# Small wrong changes, each in a copy, and whether the tests notice; MUTATED="--sample 20 weightopt_core/keys.py" takes
# others. What was judged before is kept in build/mutate.
MUTATED ?= --sample 100
mutate: install
	$(BIN)/python tools/mutate $(MUTATED)

# Rules and the core's C on other processors, systems and compilers; PLATFORMS="aarch64 clang" takes some.
PLATFORMS ?=
.PHONY: test-cross cross-packages
test-cross: install
	$(PIP) ziglang
	$(BIN)/python tools/cross $(PLATFORMS)

# What compares bits, in a copy that another compiler has built: COMPILER=gcc-10.
COMPILER ?= clang-14
BITS := $(addprefix tests/,arrays engine golden kit random rule)
WORKERS ?= auto
.PHONY: test-compiler
test-compiler: install
	CC=$(COMPILER) LDSHARED="$(COMPILER) -shared" $(BIN)/python tools/build_copy.py build/$(COMPILER) \
		$(CURDIR)/$(BIN)/python -m pytest -q -p no:cacheprovider -n $(WORKERS) --dist loadgroup \
		-m "not slow and not soak" $(BITS)

# Its compilers and emulators, on Debian and what is made of it.
cross-packages: install
	sudo apt-get update
	sudo apt-get install --yes $$($(BIN)/python tools/cross --packages)

# On every OpenCL device that is found, and on Oclgrind, which checks how memory is used.
ON_DEVICES := -n auto --dist worksteal tests/opencl tests/kit/test_conformance.py
test-opencl: install
	$(PIP) "pyopencl[oclgrind]"
	$(BIN)/python -m pytest $(ON_DEVICES)

# The same, and on Mesa (apt-get install mesa-opencl-icd) and on Intel's processors' runtime.
test-opencl-all: test-opencl $(VENV)/intel/bin/python
	RUSTICL_ENABLE=llvmpipe WEIGHTOPT_TEST_OPENCL=rusticl \
		$(BIN)/python -m pytest $(ON_DEVICES)
	OCL_ICD_VENDORS=$(CURDIR)/$(VENV)/intel/lib/libintelocl.so WEIGHTOPT_TEST_OPENCL=Intel \
		$(BIN)/python -m pytest $(ON_DEVICES)

$(VENV)/intel/bin/python:
	$(PYTHON) -m venv $(VENV)/intel
	$@ -m pip install --quiet $(INTEL)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/cython-lint weightopt_core/engine weightopt_core/kernels
	$(BIN)/mypy
	$(BIN)/zizmor --quiet --offline .github
	git ls-files -z | xargs -0 $(BIN)/codespell
	$(BIN)/python -m pytest -q tests/docs/test_links.py

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Write what is generated from plugins/ and bridges/: shared package files and install hints.
sync: install
	$(BIN)/python tools/sync_plugins.py

# OPTIONS="--quick" takes less than a minute; --help lists them all.
bench: install
	$(BIN)/python -m benchmarks run $(OPTIONS)

# Everything that is published, built and checked: dist/.
dist: install
	$(BIN)/python tools/dist.py

# What every platform has in common, into dist/: sdists, and the wheels of what is not compiled.
sdist: $(VENV)/tools
	$(BIN)/python tools/dist.py --sources

# The wheels of this platform, for every Python, from the sdists in dist/. On Linux it needs docker.
wheels: $(BIN)/python$(EXE)
	$(PIP) cibuildwheel
	$(BIN)/python tools/wheels.py

# What stands in dist/, wherever it was built.
dist-check: $(VENV)/tools
	$(BIN)/python tools/dist.py --check

# One version everywhere; with TAG=v1.2.3 that of the tag, and the changelog has its date.
TAG ?=
release-check: $(BIN)/python$(EXE)
	$(BIN)/python tools/release.py check $(TAG)

# What is uploaded in one portion of a release, into dist/stage/; docs/releasing.md says which.
PORTION ?= all
stage: $(BIN)/python$(EXE)
	$(BIN)/python tools/release.py stage $(PORTION)

# Pictures that were drawn before are kept in build/pictures.
docs: install
	$(BIN)/sphinx-build -j auto -W --keep-going docs docs/_build

# Every page in a browser, wide and narrow, light and dark: apt-get install chromium. SHOTS=folder keeps pictures.
docs-look: docs
	$(PIP) playwright
	$(BIN)/python tools/look.py docs/_build $(SHOTS:%=--shots %)

# Links to other sites, which need a network.
linkcheck: install
	$(BIN)/sphinx-build -b linkcheck docs build/linkcheck

clean:
	rm -rf $(VENV) .venv-* build docs/_build docs/generated docs/gallery plugins/*/build
	find . -name '*.so' -o -name '*.egg-info' | grep -v $(VENV) | xargs rm -rf
