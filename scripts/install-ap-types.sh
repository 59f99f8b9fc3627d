#!/bin/sh
# Puts AMD's ap_types headers (Apache-2.0) where fpgaml and its tests look for them: $FPGAML_AP_TYPES if set, else
# the user's cache folder. They come from the hls4ml wheel on PyPI; nothing else of it is kept.
set -eu

version=1.3.0
inside=hls4ml/templates/vivado/ap_types
target=${FPGAML_AP_TYPES:-${XDG_CACHE_HOME:-$HOME/.cache}/fpgaml/ap_types}

if [ -f "$target/ap_fixed.h" ] && [ -f "$target/etc/ap_private.h" ]; then
  echo "ap_types: already in $target"
  exit 0
fi
if ! python3 -m pip --version >/dev/null 2>&1; then
  echo "ap_types: pip for python3 is missing; run: apt-get install -y python3-pip" >&2
  exit 4
fi

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
echo "ap_types: downloading the hls4ml $version wheel from PyPI"
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
  --dest "$temporary" "hls4ml==$version"
python3 - "$temporary" "$inside" <<'PYTHON'
import glob, sys, zipfile

folder, inside = sys.argv[1:]
(wheel,) = glob.glob(folder + "/*.whl")
with zipfile.ZipFile(wheel) as archive:
    archive.extractall(folder, [name for name in archive.namelist() if name.startswith(inside + "/")])
PYTHON

# Moved into place as a whole, so that an interrupted run leaves no half-filled folder.
mkdir -p "$(dirname "$target")"
rm -rf "$target"
mv "$temporary/$inside" "$target"
echo "ap_types: installed in $target"
