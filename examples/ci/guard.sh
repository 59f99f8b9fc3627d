#!/bin/sh
# Guards a model in CI: compiles it, verifies it, compares the build with the last good one.
#
#   examples/ci/guard.sh MODEL [options of 'fpgaml compile']
#
# Leaves build/NAME, and build/NAME-verify.xml, build/NAME-diff.xml (JUnit) and build/NAME-diff.md (for a comment). Exit code
# of fpgaml: 0 good, 1 a mismatch or a regression, 2 bad input, 3 infeasible, 4 a missing tool.
#
# FPGAML      the binary (default: fpgaml)
# BASELINE    the folder of the last good build; without one there, nothing is compared
# TOLERANCES  such as "lut=2% ff=2%"
set -eu

model=${1:?usage: guard.sh MODEL [options of fpgaml compile]}
shift
fpgaml=${FPGAML:-fpgaml}
baseline=${BASELINE:-baseline}
name=$(basename "$model")
name=${name%.*}
build=build/$name

verify=yes
for option in "$@"; do
  if [ "$option" = --no-verify ]; then verify=no; fi
done

# Verified on its own, for the JUnit file.
if [ "$verify" = yes ]; then set -- "$@" --no-verify; fi
"$fpgaml" compile "$model" -o "$build" "$@"
if [ "$verify" = yes ]; then
  "$fpgaml" verify "$build" --junit "$build-verify.xml"
fi

if [ ! -f "$baseline/report.json" ]; then
  echo "guard: no build in '$baseline' to compare with"
  exit 0
fi
set --
for tolerance in ${TOLERANCES:-}; do set -- "$@" --tolerance "$tolerance"; done
"$fpgaml" diff "$baseline" "$build" --junit "$build-diff.xml" --markdown "$build-diff.md" "$@"
