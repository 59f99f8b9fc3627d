#!/usr/bin/env python3
"""How long fpgaml takes to read a large XGBoost model.

usage: forest.py --fpgaml BINARY [--work DIR] [--megabytes N]

Needs `pip install xgboost-cpu`. XGBoost trains 40 trees of depth 8 on synthetic data and writes them as `.json`; the trees
of that file, renumbered, are repeated until the file has the size. XGBoost itself loads the result as a check, and writes the
same model as `.ubj`. `inspect` reads each file, types the model and prints its table: wall and CPU time of the whole process.
"""
import argparse
import json
import os
import resource
import subprocess
import time
from pathlib import Path

import numpy as np


def trained(path):
    import xgboost
    random = np.random.default_rng(5)
    X = random.normal(size=(20000, 24)).astype(np.float32)
    y = X[:, 0] * X[:, 1] + np.sin(3 * X[:, 2]) + random.normal(size=len(X)) * 0.1
    booster = xgboost.train(dict(max_depth=8, eta=0.1, nthread=1, seed=1), xgboost.DMatrix(X, y), 40)
    booster.save_model(path)


def enlarged(source, target, megabytes):
    """The model of `source` with its trees repeated."""
    model = json.load(open(source))
    booster = model['learner']['gradient_booster']['model']
    trees = [json.dumps(tree, separators=(',', ':')) for tree in booster['trees']]
    texts, size = [], 0
    while size < megabytes * 1_000_000:
        text = trees[len(texts) % len(trees)].replace(f'"id":{len(texts) % len(trees)},', f'"id":{len(texts)},')
        texts.append(text)
        size += len(text) + 1
    booster['trees'] = '@'
    booster['tree_info'] = [0] * len(texts)
    booster['gbtree_model_param']['num_trees'] = str(len(texts))
    booster['iteration_indptr'] = list(range(len(texts) + 1))
    text = json.dumps(model, separators=(',', ':')).replace('"@"', '[' + ','.join(texts) + ']')
    target.write_text(text)
    return len(texts)


def measured(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return output, wall, cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--fpgaml', default='.build/release/fpgaml')
    parser.add_argument('--work', default='reading-benchmark')
    parser.add_argument('--megabytes', type=int, default=100)
    options = parser.parse_args()
    import xgboost
    work = Path(options.work)
    work.mkdir(parents=True, exist_ok=True)
    small, large = work / 'forest_small.json', work / f'forest_{options.megabytes}.json'
    if not large.exists():
        trained(small)
        count = enlarged(small, large, options.megabytes)
        booster = xgboost.Booster(model_file=str(large))
        assert booster.num_boosted_rounds() == count
        booster.save_model(large.with_suffix('.ubj'))
    print('| file | MB | wall s | CPU s |')
    print('|---|---|---|---|')
    for path in (small, large, large.with_suffix('.ubj')):
        output, wall, cpu = measured([options.fpgaml, 'inspect', str(path), '--json'])
        json.loads(output)
        size = os.path.getsize(path) / 1e6
        print(f'| {path.name} | {size:.1f} | {wall:.2f} | {cpu:.2f} |', flush=True)


if __name__ == '__main__':
    main()
