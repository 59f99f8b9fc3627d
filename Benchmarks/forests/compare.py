#!/usr/bin/env python3
"""Forests by fpgaml and by conifer 1.11's VHDL backend: look-up tables, registers, cycles, and that both give the same scores.

usage: compare.py --fpgaml BINARY [--work DIR] [--only NAME,...] [--clock PERIOD]

Needs yosys, ghdl, g++ and `pip install conifer==1.11 xgboost-cpu lightgbm pandas scikit-learn skl2onnx pybind11`; ap_types in
$XILINX_AP_INCLUDE or where fpgaml puts them. What makes the comparison fair:

- One set of integers: thresholds and leaves are multiples of one step (`models.py`).
- One precision: conifer's VHDL has one type for inputs, thresholds and scores. It is the narrowest that holds the features of
  8 bits and every sum of leaves, but for the row `default`, which has conifer's own, ap_fixed<18,8>. fpgaml's inputs have
  the same type; its sums are exact, so that no score is less precise.
- One flow: conifer's VHDL through `ghdl --synth`, then yosys with the same commands for both (FLOW), flattened. No shift
  registers, so that neither hides registers in look-up tables or the reverse.
- conifer is used as it is meant: unrolled, each tree padded to the depth that it was trained with, no more.
- One function: ghdl simulates conifer's VHDL, fpgaml verifies its Verilog; the scores of all samples must be equal.
- conifer's cycles are counted in simulation; fpgaml gets them as `--latency` and takes what it needs at `--clock`.

yosys counts each look-up table by itself. Vivado packs two small ones into one site, and conifer's netlist has more of
those: the columns `packed` are lower bounds, in which all with up to three inputs have found a partner.
"""
import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

import models

FLOW = 'synth_xilinx -family xcup -flatten -nowidelut -nosrl -noiopad'
# name: framework, features, classes (0: a regression), rounds, depth, bits of fraction
MODELS = {
    'xgb_binary_20x4': ('xgboost', 16, 2, 20, 4, 6),
    'xgb_binary_50x3': ('xgboost', 16, 2, 50, 3, 6),
    'xgb_classes5_10x3': ('xgboost', 16, 5, 10, 3, 6),
    'sklearn_binary_30x4': ('sklearn', 16, 2, 30, 4, 6),
    'sklearn_reg_50x3': ('sklearn', 10, 0, 50, 3, 6),
    'default_20x4': ('xgboost', 16, 2, 20, 4, 10),
    'lgbm_binary_30x5': ('lightgbm', 20, 2, 30, 5, 6),
    'xgb_reg_40x5': ('xgboost', 10, 0, 40, 5, 6),
    'xgb_binary_20x6': ('xgboost', 16, 2, 20, 6, 6),
    'xgb_binary_100x4': ('xgboost', 16, 2, 100, 4, 7),
}
DEFAULT_WIDTH = 18


def run(command, cwd=None, check=True):
    result = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check and result.returncode:
        sys.exit(f'{" ".join(map(str, command))}\n{result.stdout[-3000:]}')
    return result.stdout


def conifer_model(folder, dictionary, width, integer):
    """conifer's project, compiled, in `folder`/conifer."""
    import conifer
    config = conifer.backends.vhdl.auto_config()
    config['Precision'] = f'ap_fixed<{width},{integer}>'
    config['OutputDir'] = str(folder / 'conifer')
    conifer.backends.vhdl.set_simulator('ghdl')
    here = os.getcwd()
    os.chdir(folder)
    ensemble = conifer.model.make_model(dictionary, config)
    # conifer reads numbers as XGBoost prints them, cut off, and floors them a step too low: give it the integers meant.
    for tree in (tree for trees in ensemble.trees for tree in trees):
        for kind in ('value', 'threshold'):
            integers = np.floor(np.array(getattr(tree, kind)) * 2.0 ** (width - integer) + 0.25).astype(int)
            setattr(tree, kind + '_int', integers)
    if not ensemble.compile():
        sys.exit('ghdl does not compile the VHDL of conifer')
    os.chdir(here)
    return ensemble


# The latency of the VHDL by simulation: one valid sample, counted until its output is valid.
LATENCY = '''library ieee; use ieee.std_logic_1164.all; library BDT; use BDT.Constants.all; use BDT.Types.all;
entity latency is end latency;
architecture rtl of latency is
  signal X : txArray(0 to nFeatures - 1) := (others => to_tx(0));
  signal valid : boolean := false;
  signal y : tyArray(0 to nClasses - 1);
  signal y_vld : boolArray(0 to nClasses - 1);
  signal clk : std_logic := '0';
begin
  UUT : entity BDT.BDTTop port map(clk, X, valid, y, y_vld);
  process begin
    for i in 1 to 50 loop clk <= '0'; wait for 1 ns; clk <= '1'; wait for 1 ns; end loop;
    valid <= true;
    for i in 1 to 60 loop
      clk <= '0'; wait for 1 ns; clk <= '1'; wait for 1 ns; valid <= false;
      if y_vld(0) then report "latency " & integer'image(i); wait; end if;
    end loop;
    wait;
  end process;
end rtl;
'''


def conifer_cycles(path):
    (path / 'latency.vhd').write_text(LATENCY)
    run(['ghdl', '-a', '--std=08', '--work=xil_defaultlib', 'latency.vhd'], path)
    run(['ghdl', '-e', '--std=08', '--work=xil_defaultlib', 'latency'], path)
    text = run(['ghdl', '-r', '--std=08', '--work=xil_defaultlib', 'latency'], path)
    return int(re.search(r'latency (\d+)', text).group(1))


def synthesize(folder, name, sources, top):
    """Cells of a netlist: look-up tables, the least sites that they could take, flip-flops, carry blocks."""
    run(["yosys", "-p", f'read_verilog {" ".join(map(str, sources))}; {FLOW} -top {top}; '
                f'tee -o {folder / (name + ".stat")} stat'])
    counts = {}
    for line in (folder / (name + '.stat')).read_text().splitlines():
        match = re.match(r'\s+(\S+)\s+(\d+)$', line)
        if match:
            counts[match.group(1)] = int(match.group(2))
    luts = sum(n for cell, n in counts.items() if re.match(r'LUT[1-6](_2)?$|INV$', cell))
    small = sum(n for cell, n in counts.items() if re.match(r'LUT[1-3]$|INV$', cell))
    return dict(lut=luts, packed=luts - small // 2, ff=sum(n for c, n in counts.items() if c.startswith('FD')),
                carry4=counts.get('CARRY4', 0))


def conifer_synthesis(folder):
    path = folder / 'conifer'
    netlist = run(['ghdl', '--synth', '--std=08', '--work=BDT', '--out=verilog', 'BDTTop'], path)
    netlist = netlist[netlist.index('module '):]
    (path / 'BDTTop.v').write_text(netlist)
    top = [m for m in re.findall(r'^module (\S+)', netlist, re.M) if m.lower().startswith('bdttop')][-1]
    return synthesize(folder, 'conifer', [path / 'BDTTop.v'], top)


def conifer_results(folder, name):
    """Everything that does not depend on fpgaml, kept in `folder` for the next run."""
    known = folder / 'conifer.json'
    if known.exists():
        return json.loads(known.read_text())
    framework, features, classes, rounds, depth, fraction = MODELS[name]
    step = 2.0 ** -fraction
    X, y = models.data(features, classes, step)
    path, dictionary = models.TRAINERS[framework](folder, X, y, classes, rounds, depth, step)
    np.save(folder / 'X.npy', X[:500])
    dictionary['init_predict'] = [0.0] * len(dictionary['init_predict'])
    width = DEFAULT_WIDTH if name.startswith('default') else max(8, models.score_bits(dictionary, step))
    ensemble = conifer_model(folder, dictionary, width, width - fraction)
    here = os.getcwd()
    os.chdir(folder)
    scores = ensemble.decision_function(X[:500]).reshape(500, -1)
    os.chdir(here)
    np.save(folder / 'conifer_scores.npy', scores)
    results = dict(model=path.name, width=width, integer=width - fraction, cycles=conifer_cycles(folder / 'conifer'))
    results |= conifer_synthesis(folder)
    known.write_text(json.dumps(results))
    return results


def fpgaml_results(binary, folder, their, clock, primitives):
    build = folder / ('fpgaml_primitives' if primitives else 'fpgaml')
    run([binary, 'compile', str(folder / their['model']), '--precision', f'fixed<{their["width"]},{their["integer"]}>',
         '--latency', f'{their["cycles"]}cycles', '--clock', clock, '--verify', 'rtl', '--inputs', str(folder / 'X.npy'),
         '--output', 'logits', '-o', str(build)] + (['--primitives'] if primitives else []))
    report = json.load(open(build / 'report.json'))
    assert report['verification']['rtl']['mismatches'] == 0, report['verification']
    run([binary, 'predict', str(build / 'graph.json'), '--inputs', str(folder / 'X.npy'), '-o', str(folder / 'y.npy')])
    results = synthesize(folder, build.name, sorted((build / 'rtl').glob('*.v')), 'model')
    return results | dict(cycles=report['latency']['cycles'], estimate=report['resources']['estimate']['lut'],
                          scores=np.load(folder / 'y.npy'))


HEADER = ['model', 'trees', 'type', 'conifer LUT', 'packed', 'FF', 'cycles', 'fpgaml LUT', 'packed', 'FF', 'cycles',
          'LUT ratio', 'packed ratio', 'behavioural LUT', 'estimate / LUT', 'equal scores']


def row(name, options):
    folder = Path(options.work).absolute() / name
    folder.mkdir(parents=True, exist_ok=True)
    their = conifer_results(folder, name)
    binary = os.path.abspath(options.fpgaml)
    our = fpgaml_results(binary, folder, their, options.clock, True)
    plain = fpgaml_results(binary, folder, their, options.clock, False)
    theirs = np.load(folder / 'conifer_scores.npy')
    ours = our['scores'].reshape(theirs.shape)
    equal = int((ours == theirs).all(axis=1).sum())
    if equal != len(theirs):
        sys.exit(f'{name}: {equal} of {len(theirs)} scores are equal: sizes of different functions do not compare')
    _, _, classes, rounds, depth, _ = MODELS[name]
    cells = [name, f'{rounds * (classes if classes > 2 else 1)} of depth {depth}',
             f'<{their["width"]},{their["integer"]}>', their['lut'], their['packed'], their['ff'], their['cycles'],
             our['lut'], our['packed'], our['ff'], our['cycles'], f'{our["lut"] / their["lut"]:.2f}',
             f'{our["packed"] / their["packed"]:.2f}', plain['lut'], f'{our["estimate"] / our["lut"]:.2f}',
             f'{equal} of {len(theirs)}']
    print('| ' + ' | '.join(map(str, cells)) + ' |', flush=True)
    ratios = dict(lut=our['lut'] / their['lut'], packed=our['packed'] / their['packed'], plain=plain['lut'] / their['lut'])
    (folder / 'ratios.json').write_text(json.dumps(ratios))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--fpgaml', default='.build/release/fpgaml')
    parser.add_argument('--work', default='forest-benchmark')
    parser.add_argument('--only', default='')
    parser.add_argument('--clock', default='5ns')
    parser.add_argument('--row', help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ.setdefault('XILINX_AP_INCLUDE', str(Path.home() / '.cache/fpgaml/ap_types'))
    if options.row:
        return row(options.row, options)
    print('| ' + ' | '.join(HEADER) + ' |\n|' + '---|' * len(HEADER), flush=True)
    names = [n for n in options.only.split(',') if n] or list(MODELS)
    for name in names:
        # A process for each model: conifer's converter of numbers keeps the first precision that a process asks for.
        command = [sys.executable, __file__, '--row', name, '--fpgaml', options.fpgaml, '--work', options.work,
                   '--clock', options.clock]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    ratios = [json.loads((Path(options.work) / name / 'ratios.json').read_text()) for name in names]
    for kind, what in (('lut', 'LUT'), ('packed', 'packed'), ('plain', 'behavioural')):
        print(f'geometric mean, {what}: {np.exp(np.mean([np.log(r[kind]) for r in ratios])):.3f}')


if __name__ == '__main__':
    main()
