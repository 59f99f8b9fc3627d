#!/usr/bin/env bash
# Installs what fpgaml is built from and verified with, where it is missing: Debian packages, and the ap_types headers
# (Apache-2.0) out of the hls4ml wheel into the user's cache folder. Does nothing on a machine that has everything.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(libhdf5-dev libxml2-dev zlib1g-dev rapidjson-dev pkg-config g++ make verilator yosys iverilog python3-pip unzip)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  line="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  if [ "$(id -u)" = 0 ]; then
    as_root=()
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo)
  else
    echo "These packages are missing, and neither root nor sudo is at hand. Run as root:" >&2
    echo "  $line" >&2
    exit 4
  fi
  echo "installing: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

command -v swift >/dev/null || {
  echo "Swift 6.1 or newer is missing: https://www.swift.org/install/linux" >&2
  exit 4
}

scripts/install-ap-types.sh
