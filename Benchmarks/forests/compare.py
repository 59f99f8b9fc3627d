#!/usr/bin/env python3
"""Forests by fpgaml and by conifer 1.11's VHDL backend: look-up tables, registers, cycles, and that both give the same scores.

usage: compare.py --fpgaml BINARY [--work DIR] [--only NAME,...]

Needs yosys, ghdl, g++ and `pip install conifer==1.11 xgboost-cpu pandas scikit-learn pybind11`; ap_types where fpgaml looks
for them. A model is trained by XGBoost on synthetic data, then its thresholds and leaves are moved to the grid of
fixed<W,I>, so that both tools get the same integers. conifer's outputs are those of ghdl simulating its VHDL, fpgaml's those of
its simulator, to which its own verification compares the Verilog; they must be equal for every sample. conifer has one
precision for inputs, thresholds and scores: fpgaml takes the same, and its exact sums are never narrower.
Both are synthesized by the same yosys flow (FLOW below); conifer's VHDL goes through `ghdl --synth` first.
"""
import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

FLOW = 'synth_xilinx -family xcup -flatten -nowidelut -nosrl -noiopad'
# name, features, classes, rounds, depth, W, I
MODELS = [
    ('binary_20x3', 16, 2, 20, 3, 16, 6),
    ('coarse_20x4', 16, 2, 20, 4, 16, 10),
    ('binary_20x4', 16, 2, 20, 4, 16, 6),
    ('narrow_50x3', 16, 2, 50, 3, 10, 4),
    ('classes5_10x3', 16, 5, 10, 3, 12, 4),
]


def run(command, cwd=None, check=True):
    result = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check and result.returncode:
        sys.exit(f'{" ".join(map(str, command))}\n{result.stdout[-3000:]}')
    return result.stdout


def train(folder, features, classes, rounds, depth, width, integer):
    """model.json and X.npy: a forest and samples on the grid of fixed<width,integer>."""
    import xgboost
    random = np.random.default_rng(11)
    step = 2.0 ** (integer - width)
    # Eight bits of features, as a detector gives them.
    coarse = max(step, 2.0 ** -5)
    X = (np.round(random.normal(size=(6000, features)) * 1.2 / coarse).clip(-127, 127) * coarse).astype(np.float32)
    weights = random.normal(size=(4, features))
    h = np.tanh(X @ weights.T) + 0.5 * X[:, :4] * X[:, 4:8] + random.normal(size=(6000, 4)) * 0.3
    s = h.sum(1)
    y = np.digitize(s, np.quantile(s, np.arange(1, classes) / classes))
    parameters = dict(max_depth=depth, eta=0.3, nthread=1, seed=1,
                      objective='binary:logistic' if classes == 2 else 'multi:softprob')
    if classes > 2:
        parameters['num_class'] = classes
    parameters['base_score'] = 0.5
    booster = xgboost.train(parameters, xgboost.DMatrix(X, y), rounds)
    booster.save_model(folder / 'trained.json')
    model = json.load(open(folder / 'trained.json'))
    for tree in model['learner']['gradient_booster']['model']['trees']:
        c = tree['split_conditions']
        for i, left in enumerate(tree['left_children']):
            # x < t on the grid is x < ceil(t); leaves go to the nearest step.
            c[i] = float((np.ceil if left >= 0 else np.round)(c[i] / step) * step)
    base = model['learner']['learner_model_param']
    if classes > 2:
        base['base_score'] = '0E0'
    json.dump(model, open(folder / 'model.json', 'w'))
    np.save(folder / 'X.npy', X[:500])


def conifer_scores(folder, width, integer):
    """Scores by ghdl, and the cycles from input to output."""
    import conifer
    import xgboost
    booster = xgboost.Booster(model_file=str(folder / 'model.json'))
    config = conifer.backends.vhdl.auto_config()
    config['Precision'] = f'ap_fixed<{width},{integer}>'
    config['OutputDir'] = str(folder / 'conifer')
    conifer.backends.vhdl.set_simulator('ghdl')
    ensemble = conifer.converters.convert_from_xgboost(booster, config)
    ensemble.init_predict = [0.0] * len(ensemble.init_predict)
    # conifer reads numbers as XGBoost prints them, cut off, and floors them a step too low: give it the integers meant.
    for tree in (tree for trees in ensemble.trees for tree in trees):
        for kind in ('value', 'threshold'):
            integers = np.floor(np.array(getattr(tree, kind)) * 2.0 ** (width - integer) + 0.25).astype(int)
            setattr(tree, kind + '_int', integers)
    if not ensemble.compile():
        sys.exit('ghdl does not compile the VHDL of conifer')
    X = np.load(folder / 'X.npy')
    scores = ensemble.decision_function(X)
    return scores.reshape(len(X), -1), ensemble


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


def conifer_cycles(folder):
    path = folder / 'conifer'
    (path / 'latency.vhd').write_text(LATENCY)
    run(['ghdl', '-a', '--std=08', '--work=xil_defaultlib', 'latency.vhd'], path)
    run(['ghdl', '-e', '--std=08', '--work=xil_defaultlib', 'latency'], path)
    text = run(['ghdl', '-r', '--std=08', '--work=xil_defaultlib', 'latency'], path)
    return int(re.search(r'latency (\d+)', text).group(1))


def synthesize(folder, name, sources, top):
    """Cells of a netlist: LUTs, flip-flops, carry blocks."""
    run(["yosys", "-p", f'read_verilog {" ".join(map(str, sources))}; {FLOW} -top {top}; '
                f'tee -o {folder / (name + ".stat")} stat'])
    counts = {}
    for line in (folder / (name + '.stat')).read_text().splitlines():
        match = re.match(r'\s+(\S+)\s+(\d+)$', line)
        if match:
            counts[match.group(1)] = int(match.group(2))
    luts = sum(n for cell, n in counts.items() if re.match(r'LUT[1-6](_2)?$|INV$', cell))
    return dict(lut=luts, ff=sum(n for c, n in counts.items() if c.startswith('FD')), carry4=counts.get('CARRY4', 0))


def conifer_synthesis(folder):
    path = folder / 'conifer'
    netlist = run(['ghdl', '--synth', '--std=08', '--work=BDT', '--out=verilog', 'BDTTop'], path)
    netlist = netlist[netlist.index('module '):]
    (path / 'BDTTop.v').write_text(netlist)
    top = re.findall(r'^module (\S+)', netlist, re.M)
    top = [m for m in top if m.lower().startswith('bdttop')][-1]
    return synthesize(folder, 'conifer', [path / 'BDTTop.v'], top)


def fpgaml_build(binary, folder, width, integer, cycles, output):
    build = folder / 'fpgaml'
    run([binary, 'compile', str(folder / 'model.json'), '--precision', f'fixed<{width},{integer}>', '--latency',
         f'{cycles}cycles', '--primitives', '--verify', 'rtl', '--inputs', str(folder / 'X.npy'), '--output', output,
         '-o', str(build)])
    report = json.load(open(build / 'report.json'))
    assert report['verification']['rtl']['mismatches'] == 0, report['verification']
    return build, report


def fpgaml_scores(binary, build, folder):
    run([binary, 'predict', str(build / 'graph.json'), '--inputs', str(folder / 'X.npy'), '-o', str(folder / 'y.npy')])
    return np.load(folder / 'y.npy')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--fpgaml', default='.build/release/fpgaml')
    parser.add_argument('--work', default='forest-benchmark')
    parser.add_argument('--only', default='')
    parser.add_argument('--no-header', action='store_true')
    options = parser.parse_args()
    binary = os.path.abspath(options.fpgaml)
    wanted = [n for n in options.only.split(',') if n]
    if not options.no_header:
        print('| model | trees | type | conifer LUT | FF | cycles | fpgaml LUT | FF | cycles | LUT ratio | estimate | scores |')
        print('|---|---|---|---|---|---|---|---|---|---|---|---|', flush=True)
    # A process for each model: conifer's converter of numbers keeps the first precision that a process asks for.
    if len(wanted) != 1:
        for model in MODELS:
            if not wanted or model[0] in wanted:
                subprocess.run([sys.executable, *sys.argv, '--only', model[0], '--no-header'], check=True)
        return
    for name, features, classes, rounds, depth, width, integer in MODELS:
        if name != wanted[0]:
            continue
        folder = Path(options.work).absolute() / name
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / 'model.json').exists():
            train(folder, features, classes, rounds, depth, width, integer)
        here = os.getcwd()
        os.chdir(folder)
        theirs, _ = conifer_scores(folder, width, integer)
        os.chdir(here)
        their_cycles = conifer_cycles(folder)
        their = conifer_synthesis(folder)
        build, report = fpgaml_build(binary, folder, width, integer, their_cycles, 'logits')
        ours = fpgaml_scores(binary, build, folder).reshape(theirs.shape)
        equal = int((ours == theirs).all(axis=1).sum())
        our = synthesize(folder, 'fpgaml', sorted((build / 'rtl').glob('*.v')), 'model')
        estimate = report['resources']['estimate']['lut']
        trees = rounds * (1 if classes == 2 else classes)
        print(f'| {name} | {trees} of depth {depth} | fixed<{width},{integer}> | {their["lut"]} | {their["ff"]} | '
              f'{their_cycles} | {our["lut"]} | {our["ff"]} | {report["latency"]["cycles"]} | '
              f'{our["lut"] / their["lut"]:.2f} | {estimate} | {equal} of {len(theirs)} equal |', flush=True)
        if equal != len(theirs):
            sys.exit(f'{name}: the two tools do not compute the same, so that their sizes do not compare')


if __name__ == '__main__':
    main()
