#!/usr/bin/env python3
"""How long reading a large ONNX file takes: seconds of CPU and of time, beyond those of a process that prints its version.

usage: onnx_files.py FPGAML [--work DIR] [--runs N]

Needs `pip install onnx numpy`. Makes files of 10 MB and more: networks whose weights are most of the file, one whose weights lie in a
file beside it, and one of many small operators; runs `fpgaml inspect`, which reads the file, gives everything a type and prints the
layers; and prints the least of N runs. The share of the reader alone, without types, is what `perf record -g` shows under
`ModelReader.read`.
"""
import argparse
import resource
import subprocess
import time
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

RNG = np.random.default_rng(1)


def save(path, nodes, constants, inputs, outputs, **how):
    inputs = [helper.make_tensor_value_info('x', TensorProto.FLOAT, ['N', *inputs])]
    outputs = [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, ['N', *outputs])]
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    onnx.save(model, str(path), **how)


def dense(path, sizes, **how):
    nodes, constants, x = [], [], 'x'
    for i, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        weights = RNG.normal(size=(outputs, inputs)) / inputs**0.5
        constants += [numpy_helper.from_array(weights.astype('float32'), f'w{i}')]
        constants += [numpy_helper.from_array(RNG.normal(size=outputs).astype('float32'), f'b{i}')]
        nodes += [helper.make_node('Gemm', [x, f'w{i}', f'b{i}'], [f'g{i}'], name=f'g{i}', transB=1)]
        nodes += [helper.make_node('Relu', [f'g{i}'], [f'r{i}'], name=f'r{i}')]
        x = f'r{i}'
    save(path, nodes, constants, [sizes[0]], [sizes[-1]], **how)


def convolutions(path, channels, count):
    nodes, constants, x = [], [], 'x'
    for i in range(count):
        weights = RNG.normal(size=(channels, channels if i else 3, 3, 3)) / (9 * channels) ** 0.5
        constants += [numpy_helper.from_array(weights.astype('float32'), f'w{i}')]
        nodes += [helper.make_node('Conv', [x, f'w{i}'], [f'c{i}'], name=f'c{i}', kernel_shape=[3, 3], pads=[1, 1, 1, 1])]
        nodes += [helper.make_node('Relu', [f'c{i}'], [f'r{i}'], name=f'r{i}')]
        x = f'r{i}'
    nodes += [helper.make_node('GlobalAveragePool', [x], ['y'], name='y')]
    save(path, nodes, constants, [3, 4, 4], [channels, 1, 1])


def operators(path, count):
    nodes, x = [], 'x'
    for i in range(count):
        kind = ('Relu', 'Neg', 'Abs', 'Identity')[i % 4]
        nodes += [helper.make_node(kind, [x], [f't{i}'], name=f'n{i}')]
        x = f't{i}'
    save(path, nodes, [], [8], [8])


def measure(command, runs):
    best = None
    for _ in range(runs):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        best = min(best or (cpu, seconds), (cpu, seconds))
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('fpgaml')
    parser.add_argument('--work', default='build/reading', type=Path)
    parser.add_argument('--runs', default=5, type=int)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    makers = {
        'dense': lambda path: dense(path, [512, 1024, 1024, 1024, 64]),
        'external': lambda path: dense(path, [512, 1024, 1024, 1024, 64], save_as_external_data=True, location='external.data'),
        'convolutions': lambda path: convolutions(path, 172, 11),
        'operators': lambda path: operators(path, 2000),
    }
    version = measure([arguments.fpgaml, '--version'], arguments.runs)
    print(f'{"file":14} {"bytes":>10} {"CPU s":>8} {"s":>8}')
    for name, make in makers.items():
        path = arguments.work / f'{name}.onnx'
        if not path.exists():
            make(path)
        size = path.stat().st_size + sum(p.stat().st_size for p in [path.with_suffix('.data')] if p.exists())
        found = measure([arguments.fpgaml, 'inspect', str(path)], arguments.runs)
        print(f'{name:14} {size:10} {found[0] - version[0]:8.3f} {found[1] - version[1]:8.3f}')


if __name__ == '__main__':
    main()
