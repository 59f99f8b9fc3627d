#!/usr/bin/env bash
# Packs the binary for machines without Swift: fpgaml-VERSION-linux-ARCH.tar.gz with bin/fpgaml, the guard script for CI and
# the licence. Swift's own libraries are linked in; libhdf5, libxml2 and zlib come from the system (Debian 12 names them below).
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's/.*static let current = "\(.*\)".*/\1/p' Sources/Driver/Version.swift)
name=fpgaml-$version-linux-$(uname -m)
swift build -c release --product fpgaml --static-swift-stdlib
binary=$(swift build -c release --product fpgaml --static-swift-stdlib --show-bin-path)/fpgaml

if ldd "$binary" | grep -q 'libswift\|libFoundation'; then
  echo "the binary still needs Swift's shared libraries" >&2
  exit 1
fi
[ "$("$binary" --version)" = "$version" ]

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/$name/bin" "$stage/$name/share/fpgaml/ci" "$stage/$name/share/doc/fpgaml"
install -m 755 "$binary" "$stage/$name/bin/fpgaml"
strip "$stage/$name/bin/fpgaml"
install -m 755 examples/ci/guard.sh scripts/install-ap-types.sh "$stage/$name/share/fpgaml/"
cp examples/ci/*.yml "$stage/$name/share/fpgaml/ci/"
cp LICENSE README.md CHANGELOG.md CITATION.cff docs/*.md "$stage/$name/share/doc/fpgaml/"
cat > "$stage/$name/INSTALL" <<'TEXT'
apt-get install -y libhdf5-103-1 libxml2 zlib1g    # to run
apt-get install -y verilator g++ make python3-pip  # to verify
share/fpgaml/install-ap-types.sh                   # headers of HLS C++
bin/fpgaml doctor                                  # says what is missing
TEXT

mkdir -p dist
# The same binary gives the same archive.
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C "$stage" -cf - "$name" | gzip -n > "dist/$name.tar.gz"
sha256sum "dist/$name.tar.gz"
