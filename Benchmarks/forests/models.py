"""Forests on the grid of a fixed-point type: the same integers for every tool that takes them.

Each function of `TRAINERS` trains on synthetic data, moves thresholds and leaves to multiples of the step, writes the file that
fpgaml reads, and returns what conifer's converters make of the model (a dictionary, their common form).
"""
import json

import numpy as np


def data(features, classes, step, samples=6000):
    """Features of eight bits in multiples of `step`; classes, or a real target for `classes` = 0."""
    random = np.random.default_rng(11)
    X = np.round(random.normal(size=(samples, features)) * 38).clip(-127, 127)
    weights = random.normal(size=(4, features)) / 32
    h = np.tanh(X @ weights.T) + X[:, :4] * X[:, 4:8] / 2048 + random.normal(size=(samples, 4)) * 0.3
    s = h.sum(1)
    y = s if classes == 0 else np.digitize(s, np.quantile(s, np.arange(1, classes) / classes))
    return (X * step).astype(np.float32), y


def on_grid(values, step, rounding):
    return rounding(np.asarray(values, dtype=np.float64) / step) * step


def xgboost_model(folder, X, y, classes, rounds, depth, step):
    import conifer.converters.xgboost
    import xgboost
    parameters = dict(max_depth=depth, eta=0.3, nthread=1, seed=1, base_score=0.5)
    if classes == 0:
        parameters |= dict(objective='reg:squarederror', base_score=0.0)
    elif classes == 2:
        parameters |= dict(objective='binary:logistic')
    else:
        parameters |= dict(objective='multi:softprob', num_class=classes)
    booster = xgboost.train(parameters, xgboost.DMatrix(X, y), rounds)
    booster.save_model(folder / 'trained.json')
    model = json.load(open(folder / 'trained.json'))
    for tree in model['learner']['gradient_booster']['model']['trees']:
        c = tree['split_conditions']
        for i, left in enumerate(tree['left_children']):
            # x < t on the grid is x < ceil(t); leaves go to the nearest step.
            c[i] = float(on_grid(c[i], step, np.ceil if left >= 0 else np.round))
    if classes > 2:
        model['learner']['learner_model_param']['base_score'] = '0E0'
    path = folder / 'model.json'
    json.dump(model, open(path, 'w'))
    # A booster from a file has forgotten its parameters: conifer would pad all trees to the default depth.
    return path, conifer.converters.xgboost.convert(xgboost.Booster(dict(max_depth=depth), model_file=str(path)))


def sklearn_model(folder, X, y, classes, rounds, depth, step):
    import conifer.converters.sklearn
    import skl2onnx
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
    kind = GradientBoostingRegressor if classes == 0 else GradientBoostingClassifier
    model = kind(n_estimators=rounds, max_depth=depth, learning_rate=0.3, init='zero', random_state=1).fit(X, y)
    for tree in (tree for trees in model.estimators_ for tree in trees):
        nodes = tree.tree_
        inner = nodes.children_left >= 0
        nodes.threshold[inner] = on_grid(nodes.threshold[inner], step, np.floor)
        nodes.value[~inner] = on_grid(nodes.value[~inner] * model.learning_rate, step, np.round)
    model.learning_rate = 1.0
    if classes == 0:
        model.n_classes_ = 1
    onnx = skl2onnx.to_onnx(model, X[:1], options=None if classes == 0 else {id(model): {'zipmap': False}})
    path = folder / 'model.onnx'
    path.write_bytes(onnx.SerializeToString())
    return path, conifer.converters.sklearn.convert(model)


def lightgbm_model(folder, X, y, classes, rounds, depth, step):
    import lightgbm
    parameters = dict(num_leaves=2 ** depth, max_depth=depth, learning_rate=0.3, num_threads=1, verbose=-1, seed=1,
                      boost_from_average=False, min_data_in_leaf=5,
                      objective='regression' if classes == 0 else 'binary' if classes == 2 else 'multiclass')
    if classes > 2:
        parameters['num_class'] = classes
    text = lightgbm.train(parameters, lightgbm.Dataset(X, y), rounds).model_to_string()
    lines = []
    for line in text.split('\n'):
        key, _, values = line.partition('=')
        if key in ('threshold', 'leaf_value'):
            rounding = np.floor if key == 'threshold' else np.round
            line = key + '=' + ' '.join(repr(float(v)) for v in on_grid(values.split(), step, rounding))
        if not key.startswith('tree_sizes'):
            lines.append(line)
    path = folder / 'model.txt'
    path.write_text('\n'.join(lines))
    return path, lightgbm_dictionary(lightgbm.Booster(model_file=str(path)), classes, depth)


def lightgbm_dictionary(booster, classes, depth):
    """conifer's form of a LightGBM model, which it has no converter for other than by way of ONNX."""
    dump = booster.dump_model()
    per_round = dump['num_tree_per_iteration']
    trees = []
    for info in dump['tree_info']:
        tree = dict(feature=[], threshold=[], value=[], children_left=[], children_right=[], weight=[])

        def visit(node):
            number = len(tree['feature'])
            is_leaf = 'leaf_value' in node
            tree['feature'].append(-2 if is_leaf else node['split_feature'])
            tree['threshold'].append(-2.0 if is_leaf else node['threshold'])
            tree['value'].append(node['leaf_value'] if is_leaf else 0.0)
            tree['weight'].append([float(i == tree['feature'][-1]) for i in range(dump['max_feature_idx'] + 1)])
            for side in ('left', 'right'):
                tree[f'children_{side}'].append(-1)
            if not is_leaf:
                assert node['decision_type'] == '<='
                for side in ('left', 'right'):
                    tree[f'children_{side}'][number] = visit(node[f'{side}_child'])
            return number

        visit(info['tree_structure'])
        trees.append(tree)
    rounds = [trees[i:i + per_round] for i in range(0, len(trees), per_round)]
    return dict(max_depth=depth, n_trees=len(rounds), n_features=dump['max_feature_idx'] + 1,
                n_classes=max(1, classes), trees=rounds, init_predict=[0.0] * per_round, norm=1, library='lightgbm',
                splitting_convention='<=')


TRAINERS = dict(xgboost=xgboost_model, sklearn=sklearn_model, lightgbm=lightgbm_model)


def score_bits(dictionary, step):
    """Bits of a signed integer that holds each leaf and every sum of leaves in steps."""
    greatest = 0
    for k in range(len(dictionary['trees'][0])):
        sums = [0.0, 0.0]
        for trees in dictionary['trees']:
            tree = trees[k]
            leaves = [v for v, left in zip(tree['value'], tree['children_left']) if left < 0]
            sums = [sums[0] + min(leaves), sums[1] + max(leaves)]
        greatest = max(greatest, *map(abs, sums))
    return int(np.ceil(np.log2(greatest / step + 1))) + 1
