#!/usr/bin/env python3
"""Writes Fixtures/conversion_digests.txt: what the ap_types headers make of every conversion between small types.

A conversion depends only on the widths, the signs, the difference of the exponents of the least significant bits, and
the target's modes. So the space below is converted exhaustively by the headers themselves, and the raw integers of
the results are digested, one FNV-1a (64 bits) per rounding, overflow, source sign and target sign:

    for source width 1..6, target width 1..6, difference (source minus target exponent) -7..7,
        source raw integer from the least to the greatest: the low byte of the result's raw integer

Usage: conversion_digests.py [ap_types folder]   (default: $FPGAML_AP_TYPES, else the cache folder;
scripts/install-ap-types.sh puts the headers there). Takes some minutes of g++.
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile

ROUNDINGS = ["TRN", "TRN_ZERO", "RND", "RND_ZERO", "RND_INF", "RND_MIN_INF", "RND_CONV"]
OVERFLOWS = ["WRAP", "SAT", "SAT_ZERO", "SAT_SYM"]
WIDTHS = range(1, 7)
DIFFERENCES = range(-7, 8)

PROGRAM = r"""
#include "ap_fixed.h"
#include <cstdint>
#include <cstdio>

static uint64_t digest;

template <bool Signed, int W, int I, ap_q_mode Q = AP_TRN, ap_o_mode O = AP_WRAP>
struct Fixed { typedef ap_fixed<W, I, Q, O> type; };
template <int W, int I, ap_q_mode Q, ap_o_mode O>
struct Fixed<false, W, I, Q, O> { typedef ap_ufixed<W, I, Q, O> type; };

template <int W, bool S, int TW, int TI, bool TS>
static void convert() {
  const int low = S ? -(1 << (W - 1)) : 0;
  for (int raw = low; raw < low + (1 << W); ++raw) {
    typename Fixed<S, W, W>::type source;
    source.V = raw;
    typename Fixed<TS, TW, TI, AP_%s, AP_%s>::type target = source;
    digest = (digest ^ (uint8_t)(int64_t)target.V.get_VAL()) * 0x100000001b3ull;
  }
}

static void start() { digest = 0xcbf29ce484222325ull; }
static void finish(const char* group) { std::printf("%%s %%016llx\n", group, (unsigned long long)digest); }

int main() {
%s
}
"""


def headers():
    if len(sys.argv) > 1:
        return pathlib.Path(sys.argv[1])
    if "FPGAML_AP_TYPES" in os.environ:
        return pathlib.Path(os.environ["FPGAML_AP_TYPES"])
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache) / "fpgaml" / "ap_types"


def body(rounding, overflow):
    lines = []
    for source_signed in (False, True):
        for target_signed in (False, True):
            lines.append("  start();")
            for source in WIDTHS:
                for target in WIDTHS:
                    for difference in DIFFERENCES:
                        # The source's exponent is 0, so the target's is minus the difference.
                        integer_bits = target - difference
                        lines.append(
                            f"  convert<{source}, {int(source_signed)}, {target}, {integer_bits}, {int(target_signed)}>();")
            sign = {False: "unsigned", True: "signed"}
            lines.append(
                f'  finish("{rounding} {overflow} {sign[source_signed]} {sign[target_signed]}");')
    return "\n".join(lines)


def digests(modes, folder, include):
    rounding, overflow = modes
    stem = pathlib.Path(folder) / f"{rounding}_{overflow}"
    source = stem.with_suffix(".cpp")
    source.write_text(PROGRAM % (rounding, overflow, body(rounding, overflow)))
    # NDEBUG: a rounding that drops more bits than the source has reads a bit beyond it and throws it away; the
    # headers' assertions stop there.
    command = ["g++", "-std=c++14", "-O0", "-w", "-DNDEBUG", f"-I{include}", str(source), "-o", str(stem)]
    subprocess.run(command, check=True)
    return subprocess.run([str(stem)], check=True, capture_output=True, text=True).stdout


def main():
    include = headers()
    if not (include / "ap_fixed.h").exists():
        sys.exit(f"no ap_fixed.h in {include}; run scripts/install-ap-types.sh")
    output = pathlib.Path(__file__).parent.parent / "Fixtures" / "conversion_digests.txt"
    modes = [(rounding, overflow) for rounding in ROUNDINGS for overflow in OVERFLOWS]
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda each: digests(each, folder, include), modes))
    output.write_text(
        "# Written by Scripts/conversion_digests.py from the ap_types headers of the hls4ml 1.3.0 wheel.\n"
        "# rounding overflow source target FNV-1a\n" + "".join(results))


if __name__ == "__main__":
    main()
