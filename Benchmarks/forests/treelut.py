#!/usr/bin/env python3
"""Forests of the shapes that TreeLUT published (arXiv 2501.01511): our look-up tables beside its architecture's and its figures.

usage: treelut.py --fpgaml BINARY [--work DIR] [--only NAME,...]

Needs yosys, Icarus Verilog and `pip install xgboost-cpu scikit-learn`. TreeLUT's own figures are of Vivado after place and route, on data that
is not here, so they stand beside ours without a ratio. What does compare is its architecture on the same integers through the
same yosys flow (that of compare.py): `treelut_verilog` below builds it as the paper describes it: each distinct comparison
once; each tree a chain of conditions, one for each leaf value, of the paths that lead to it; binary sums that grow a bit a
level; registers behind the trees and in the middle of the sums. Both give the sums of the classes, without an argmax.
"""
import argparse
import json
import os
from pathlib import Path

import numpy as np

from compare import run, synthesize

# name: features, bits of a feature, classes, rounds, depth, bits of a leaf; TreeLUT's look-up tables, registers, ns.
# The first is the example in TreeLUT's repository; of the second the paper's table was not at hand: an assumed shape.
SHAPES = {
    'mnist': ((784, 4, 10, 30, 5, 3), (4478, None, 2.5)),
    'jets': ((16, 8, 5, 13, 5, 4), (2234, 347, 2.7)),
}


def digits(classes):
    """Images of 28 x 28 in 4 bits: scikit-learn's digits of 8 x 8, enlarged, moved and blurred at
    random, one label in twenty random too, so that trees grow as deep as on data that is harder to tell apart."""
    from sklearn.datasets import load_digits
    random = np.random.default_rng(4)
    source, labels = load_digits(return_X_y=True)
    count = 20000
    chosen = random.integers(0, len(source), count)
    X = np.zeros((count, 28, 28))
    for image, index in zip(X, chosen):
        large = np.kron(source[index].reshape(8, 8), np.ones((3, 3)))
        large = (large + np.roll(large, 1, 0) + np.roll(large, 1, 1)) / 3
        row, column = random.integers(0, 5, 2)
        image[row:row + 24, column:column + 24] = large
    X = np.clip(np.round(X * 15 / 16 + random.normal(size=X.shape) * 0.5), 0, 15)
    labels = labels[chosen]
    wrong = random.random(count) < 0.05
    labels[wrong] = random.integers(0, classes, wrong.sum())
    return X.reshape(count, 784), labels


def synthetic(features, bits, classes):
    random = np.random.default_rng(4)
    X = random.normal(size=(12000, features))
    hidden = np.tanh(X @ random.normal(size=(features, 12)) / 2) @ random.normal(size=(12, classes))
    y = np.argmax(hidden + random.normal(size=hidden.shape) * 0.7, axis=1)
    return np.clip(np.round((X / 6 + 0.5) * (2 ** bits - 1)), 0, 2 ** bits - 1), y


def trained(folder, name):
    """The model with integers for leaves and base scores, as TreeLUT rounds them; its trees; samples."""
    import xgboost
    features, bits, classes, rounds, depth, leaf_bits = SHAPES[name][0]
    X, y = digits(classes) if name == 'mnist' else synthetic(features, bits, classes)
    parameters = dict(objective='multi:softmax', num_class=classes, max_depth=depth, eta=0.8, nthread=2, seed=1,
                      base_score=0.5)
    booster = xgboost.train(parameters, xgboost.DMatrix(X[1000:], y[1000:]), rounds)
    accuracy = np.mean(booster.predict(xgboost.DMatrix(X[:1000])) == y[:1000])
    booster.save_model(folder / 'trained.json')
    model = json.load(open(folder / 'trained.json'))
    trees = model['learner']['gradient_booster']['model']['trees']
    leaves = [[c for c, left in zip(t['split_conditions'], t['left_children']) if left < 0] for t in trees]
    scale = (2 ** leaf_bits - 1) / max(max(values) - min(values) for values in leaves)
    bias = np.zeros(classes)
    for index, (tree, values) in enumerate(zip(trees, leaves)):
        bias[index % classes] += min(values)
        tree['split_conditions'] = [
            float(np.ceil(c)) if left >= 0 else float(np.round((c - min(values)) * scale))
            for c, left in zip(tree['split_conditions'], tree['left_children'])]
    bias = np.round((bias - bias.min()) * scale).astype(int)
    model['learner']['learner_model_param']['base_score'] = '[' + ','.join(f'{b}E0' for b in bias) + ']'
    json.dump(model, open(folder / 'model.json', 'w'))
    np.save(folder / 'X.npy', X[:500])
    booster = xgboost.Booster(model_file=str(folder / 'model.json'))
    scores = booster.predict(xgboost.DMatrix(X[:500]), output_margin=True)
    rounded = np.mean(np.argmax(booster.predict(xgboost.DMatrix(X[:1000]), output_margin=True), 1) == y[:1000])
    print(f'{name}: accuracy {accuracy:.3f}, with integer leaves {rounded:.3f}', flush=True)
    return trees, bias, scores


def paths(tree, number, node=0, conditions=()):
    """The value of each leaf with the conditions that lead to it."""
    if tree['left_children'][node] < 0:
        return [(int(tree['split_conditions'][node]), conditions)]
    name = number[tree['split_indices'][node], int(tree['split_conditions'][node])]
    return (paths(tree, number, tree['left_children'][node], conditions + (f'c[{name}]',))
            + paths(tree, number, tree['right_children'][node], conditions + (f'~c[{name}]',)))


def tree_verilog(tree, number, name):
    """The lines of a tree and its width; 0 for one whose leaves are all 0."""
    leaves = paths(tree, number)
    greatest = max(value for value, _ in leaves)
    width = greatest.bit_length()
    if width == 0:
        return [], 0
    lines = [f'reg [{width - 1}:0] {name};', 'always @(*)']
    for value in sorted({value for value, _ in leaves} - {greatest}):
        condition = ' | '.join('(' + ' & '.join(path) + ')' for v, path in leaves if v == value)
        lines.append(f'  if ({condition}) {name} = {value}; else')
    return lines + [f'  {name} = {greatest};', f'reg [{width - 1}:0] {name}_q;', f'always @(posedge clk) {name}_q <= {name};'], width


def sum_verilog(operands, name):
    """A binary tree of additions with registers behind its middle level; the sum's name and width."""
    lines, level = [], 0
    levels = int(np.ceil(np.log2(len(operands))))
    while len(operands) > 1:
        level += 1
        results = []
        for i in range(0, len(operands), 2):
            pair = operands[i:i + 2]
            result = f'{name}_{level}_{i // 2}'
            width = max(w for _, w in pair) + len(pair) - 1
            is_registered = level == (levels + 1) // 2
            lines.append(f'reg [{width - 1}:0] {result};')
            lines.append(f'always @({"posedge clk" if is_registered else "*"}) {result} '
                         f'{"<=" if is_registered else "="} {" + ".join(n for n, _ in pair)};')
            results.append((result, width))
        operands = results
    return lines, operands[0]


def treelut_verilog(trees, bias, features, bits):
    splits = sorted({(f, int(c)) for t in trees
                     for f, c, left in zip(t['split_indices'], t['split_conditions'], t['left_children']) if left >= 0})
    number = {split: i for i, split in enumerate(splits)}
    body = [f'wire [{len(splits) - 1}:0] c;']
    body += [f"assign c[{i}] = x[{f * bits + bits - 1}:{f * bits}] < {bits}'d{t};" for (f, t), i in number.items()]
    operands = [[] for _ in bias]
    for index, tree in enumerate(trees):
        lines, width = tree_verilog(tree, number, f't{index}')
        body += lines
        if width:
            operands[index % len(bias)].append((f't{index}_q', width))
    outputs = []
    for k, value in enumerate(int(b) for b in bias):
        if value:
            operands[k].insert(0, (f"{value.bit_length()}'d{value}", value.bit_length()))
        lines, output = sum_verilog(operands[k], f's{k}')
        body += lines
        outputs.append(output)
    width = max(w for _, w in outputs)
    body += [f'assign y[{k * width + width - 1}:{k * width}] = {name};' for k, (name, _) in enumerate(outputs)]
    return '\n'.join([f'module treelut(input clk, input [{features * bits - 1}:0] x, output [{len(bias) * width - 1}:0] y);',
                      *body, 'endmodule', ''])


BENCH = '''module bench;
  reg clk = 0; reg [{inputs}:0] samples [0:{last}]; reg [{inputs}:0] x; wire [{outputs}:0] y; integer i;
  treelut dut(clk, x, y);
  initial begin
    $readmemb("x.mem", samples);
    for (i = 0; i <= {last}; i = i + 1) begin
      x = samples[i];
      repeat (2) begin #1 clk = 1; #1 clk = 0; end
      #1 $display("%b", y);
    end
    $finish;
  end
endmodule
'''


def simulated(folder, classes, bits):
    """The sums of TreeLUT's architecture by Icarus."""
    X = np.load(folder / 'X.npy').astype(int)
    (folder / 'x.mem').write_text('\n'.join(''.join(format(v, f'0{bits}b') for v in x[::-1]) for x in X))
    text = (folder / 'treelut.v').read_text()
    outputs = int(text[text.index('output [') + 8:text.index(':0] y')])
    (folder / 'bench.v').write_text(BENCH.format(inputs=X.shape[1] * bits - 1, last=len(X) - 1, outputs=outputs))
    run(['iverilog', '-o', 'bench', 'treelut.v', 'bench.v'], folder)
    lines = [line for line in run(['./bench'], folder).splitlines() if set(line) <= set('01')]
    width = (outputs + 1) // classes
    return np.array([[int(line[::-1][k * width:(k + 1) * width][::-1], 2) for k in range(classes)] for line in lines])


def row(name, options):
    folder = Path(options.work).absolute() / f'treelut_{name}'
    folder.mkdir(parents=True, exist_ok=True)
    features, bits, classes, rounds, depth, leaf_bits = SHAPES[name][0]
    lut, ff, ns = SHAPES[name][1]
    trees, bias, scores = trained(folder, name)
    (folder / 'treelut.v').write_text(treelut_verilog(trees, bias, features, bits))
    assert (simulated(folder, classes, bits) == scores).all(), "the rebuilt architecture's sums are not those of XGBoost"
    their = synthesize(folder, 'treelut', [folder / 'treelut.v'], 'treelut')
    build = folder / 'fpgaml'
    binary = os.path.abspath(options.fpgaml)
    run([binary, 'compile', str(folder / 'model.json'), '--precision', f'ufixed<{bits},{bits}>', '--latency', '2cycles',
         '--clock', options.clock, '--primitives', '--verify', 'rtl', '--inputs', str(folder / 'X.npy'), '--output', 'logits',
         '-o', str(build)])
    report = json.load(open(build / 'report.json'))
    assert report['verification']['rtl']['mismatches'] == 0
    run([binary, 'predict', str(build / 'graph.json'), '--inputs', str(folder / 'X.npy'), '-o', str(folder / 'y.npy')])
    assert (np.load(folder / 'y.npy') == scores).all(), 'the sums are not those of XGBoost'
    our = synthesize(folder, 'fpgaml', sorted((build / 'rtl').glob('*.v')), 'model')
    cells = [name, f'{classes} x {rounds} of depth {depth}, {features} features of {bits} bits, leaves of {leaf_bits}',
             lut, ff or '', ns, their['lut'], their['packed'], their['ff'], our['lut'], our['packed'], our['ff'],
             report['latency']['cycles'], f'{our["lut"] / their["lut"]:.2f}', f'{our["packed"] / their["packed"]:.2f}']
    print('| ' + ' | '.join(map(str, cells)) + ' |', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--fpgaml', default='.build/release/fpgaml')
    parser.add_argument('--work', default='forest-benchmark')
    parser.add_argument('--only', default='')
    parser.add_argument('--clock', default='10ns')
    options = parser.parse_args()
    header = ['shape', 'trees', 'published LUT', 'FF', 'ns', 'its architecture LUT', 'packed', 'FF', 'fpgaml LUT',
              'packed', 'FF', 'cycles', 'LUT ratio', 'packed ratio']
    print('| ' + ' | '.join(header) + ' |\n|' + '---|' * len(header), flush=True)
    for name in [n for n in options.only.split(',') if n] or SHAPES:
        row(name, options)


if __name__ == '__main__':
    main()
