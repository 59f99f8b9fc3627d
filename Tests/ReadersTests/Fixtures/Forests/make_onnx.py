# Tree ensembles as skl2onnx and onnxmltools write them, and ONNX Runtime's outputs.
# Made with scikit-learn 1.9.1, skl2onnx 1.20.0, onnxmltools 1.16.0, xgboost 3.4.1, lightgbm 4.7.0, onnxruntime 1.32.0.
import os
import numpy as np, onnx, onnxruntime, lightgbm as lgb, xgboost as xgb
from onnx import helper, numpy_helper

# skl2onnx passes numpy integers on, which onnx no longer takes.
make_attribute = helper.make_attribute
def make_plain_attribute(name, value, *rest, **more):
    if isinstance(value, (list, np.ndarray)) and len(value) and isinstance(value[0], np.integer):
        value = [int(v) for v in value]
    return make_attribute(name, value, *rest, **more)
helper.make_attribute = make_plain_attribute

import onnxmltools
from onnxmltools.convert.common.data_types import FloatTensorType as ToolsType
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, DoubleTensorType
from sklearn.ensemble import (ExtraTreesRegressor, GradientBoostingClassifier, HistGradientBoostingClassifier,
                              HistGradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

FOLDER = os.path.dirname(os.path.abspath(__file__)) + '/onnx/'
random = np.random.default_rng(4)
X = (np.round(random.normal(size=(300, 5)) * 16) / 16).astype(np.float32)
s = X[:, 0] + X[:, 1] * X[:, 2] + random.normal(size=300) * .2
Y2, Y3, YR = (s > 0).astype(int), np.digitize(s, [-.5, .5]), s

def thresholds(model):
    """(feature, threshold) of every split"""
    for node in model.graph.node:
        a = {x.name: helper.get_attribute_value(x) for x in node.attribute}
        if node.op_type == 'TreeEnsemble':
            yield from zip(a['nodes_featureids'], numpy_helper.to_array(a['nodes_splits']))
        elif node.op_type.startswith('TreeEnsemble'):
            v = a['nodes_values'] if 'nodes_values' in a else numpy_helper.to_array(a['nodes_values_as_tensor'])
            yield from ((f, t) for f, t, m in zip(a['nodes_featureids'], v, a['nodes_modes']) if m != b'LEAF')

def save(name, model, dtype=np.float32):
    rows = X[:40].astype(dtype).copy()
    ties = rows[:20].copy()
    for i, (f, t) in enumerate(thresholds(model)):
        ties[i % len(ties), f] = t
    rows = np.vstack([rows, ties])
    model.ir_version = min(model.ir_version, 10)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    outputs = session.run(None, {session.get_inputs()[0].name: rows})
    scores = outputs[-1]
    if isinstance(scores, list):
        scores = [list(d.values()) for d in scores]
    scores = np.asarray(scores).reshape(len(rows), -1)
    if len(outputs) == 2:
        names = sorted(set(outputs[0]), key=str)
        labels = [[names.index(v)] for v in outputs[0]]
    else:
        labels = [[] for _ in rows]
    with open(FOLDER + name + '.csv', 'w') as f:
        for row, score, label in zip(rows, scores, labels):
            f.write(' | '.join(' '.join(repr(float(v)) for v in part) for part in (row, score, label)).rstrip() + '\n')
    open(FOLDER + name + '.onnx', 'wb').write(model.SerializeToString())
    print(name, [n.op_type for n in model.graph.node])

def sklearn(name, model, y, opset=15, ml=3, **options):
    model.fit(X, y)
    save(name, convert_sklearn(model, initial_types=[('X', FloatTensorType([None, 5]))],
                               target_opset={'': opset, 'ai.onnx.ml': ml}, options=options or None))

sklearn('gb_2_zipmap', GradientBoostingClassifier(n_estimators=3, max_depth=3), Y2)
sklearn('gb_3_zipmap', GradientBoostingClassifier(n_estimators=2, max_depth=2), Y3)
sklearn('gb_2_raw', GradientBoostingClassifier(n_estimators=3, max_depth=2), Y2, zipmap=False, raw_scores=True)
sklearn('hist_2', HistGradientBoostingClassifier(max_iter=3, max_depth=3), Y2)
sklearn('hist_reg', HistGradientBoostingRegressor(max_iter=3, max_depth=3), YR)
sklearn('rf_2', RandomForestClassifier(3, max_depth=3), Y2)
sklearn('rf_strings', RandomForestClassifier(3, max_depth=3), np.array(['background', 'signal'])[Y2])
sklearn('tree_3', DecisionTreeClassifier(max_depth=3), Y3, zipmap=False)
sklearn('extra_reg', ExtraTreesRegressor(3, max_depth=3), YR)
sklearn('rf_reg_2', RandomForestRegressor(3, max_depth=3), np.stack([YR, -2 * YR], 1))
sklearn('scaled_2', make_pipeline(StandardScaler(), GradientBoostingClassifier(n_estimators=3, max_depth=3)), Y2)

types = [('X', ToolsType([None, 5]))]
def tools(name, model, y):
    model.fit(X, y)
    convert = onnxmltools.convert_xgboost if 'xgboost' in type(model).__module__ else onnxmltools.convert_lightgbm
    save(name, convert(model, initial_types=types, target_opset=15))

tools('xgb_2', xgb.XGBClassifier(n_estimators=3, max_depth=3), Y2)
tools('xgb_3', xgb.XGBClassifier(n_estimators=2, max_depth=2), Y3)
tools('xgb_poisson', xgb.XGBRegressor(n_estimators=3, max_depth=3, objective='count:poisson'), np.abs(YR))
light = dict(n_estimators=3, num_leaves=6, verbose=-1)
tools('lgbm_2', lgb.LGBMClassifier(**light), Y2)
tools('lgbm_3', lgb.LGBMClassifier(**light), Y3)
tools('lgbm_rf', lgb.LGBMClassifier(boosting_type='rf', bagging_freq=1, bagging_fraction=.7, **light), Y2)
tools('lgbm_reg', lgb.LGBMRegressor(**light), YR)

def floats(name, values, double): return numpy_helper.from_array(np.array(values, np.float64 if double else np.float32), name)

def version5(name, post, double=False):
    """A TreeEnsemble of ai.onnx.ml 5: two outputs, all relations, a tree that is one leaf."""
    kind = onnx.TensorProto.DOUBLE if double else onnx.TensorProto.FLOAT
    node = helper.make_node(
        'TreeEnsemble', ['X'], ['Y'], domain='ai.onnx.ml', n_targets=2, aggregate_function=1, post_transform=post,
        tree_roots=[0, 3, 4], nodes_featureids=[0, 1, 2, 3, 4, 1, 0],
        nodes_modes=numpy_helper.from_array(np.array([0, 1, 2, 0, 3, 4, 5], np.uint8), 'modes'),
        nodes_splits=floats('splits', [.25, -.5, .125, 0, .0625, .5, .75], double),
        nodes_trueleafs=[0, 1, 1, 1, 0, 1, 1], nodes_truenodeids=[1, 0, 2, 4, 5, 5, 7],
        nodes_falseleafs=[0, 1, 1, 1, 0, 1, 1], nodes_falsenodeids=[2, 1, 3, 4, 6, 6, 8],
        leaf_targetids=[0, 1, 0, 1, 1, 0, 0, 1, 1],
        leaf_weights=floats('weights', [.5, -.25, .1, .3, -1, .7, .2, -.6, .9], double))
    graph = helper.make_graph([node], 'g', [helper.make_tensor_value_info('X', kind, [None, 5])],
                              [helper.make_tensor_value_info('Y', kind, [None, 2])])
    save(name, helper.make_model(graph, opset_imports=[helper.make_opsetid('ai.onnx.ml', 5), helper.make_opsetid('', 21)]),
         np.float64 if double else np.float32)

version5('v5', 0)
version5('v5_softmax', 1)
version5('v5_double', 0, double=True)
