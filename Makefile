# The two commands of the README: `make demo` and `make test`. Both install what is missing first.

DEMO_MODEL  := examples/models/jet_tagger_qkeras.h5
DEMO_INPUTS := examples/models/jet_tagger_inputs.h5
FPGAML      := .build/release/fpgaml

.PHONY: demo test long-test build setup format clean

demo: build
	$(FPGAML) compile $(DEMO_MODEL) --latency 100ns --inputs $(DEMO_INPUTS)

# Debug builds check arithmetic and bounds everywhere; the command line that the tests run is the debug one too.
# Products are named because `--build-tests` alone compiles protoc too, which swift-protobuf brings and nothing here uses.
test: setup
	swift build --product fpgaml
	swift build --product fpgamlPackageTests
	swift test --skip-build --parallel

# Everything, with the long random and damage tests.
long-test: setup
	swift build --product fpgaml
	swift build --product fpgamlPackageTests
	FPGAML_LONG_TESTS=1 swift test --skip-build

build: setup
	swift build -c release --product fpgaml

setup:
	@scripts/setup.sh

format:
	swift format -i -r -p Sources Tests Package.swift

clean:
	rm -rf .build build
