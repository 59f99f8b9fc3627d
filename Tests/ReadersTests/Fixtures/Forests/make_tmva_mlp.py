# Perceptrons in TMVA's layout, and an evaluation of ROOT's formulas (MethodANNBase, MethodMLP, VariableNormalizeTransform,
# TActivation*): weights.xml of each kind, and lines "variables | outputs".
import math, os
import numpy as np
FOLDER = os.path.dirname(os.path.abspath(__file__)) + '/'
random = np.random.default_rng(7)
F = np.float32

def fast_tanh(x):
    if abs(x) > 4.97: return math.copysign(1, x)
    x2 = F(x * x)
    a = F(x * float(F(135135) + x2 * (F(17325) + x2 * (F(378) + x2))))
    b = F(135135) + x2 * (F(62370) + x2 * (F(3150) + x2 * F(28)))
    return float(a / b)
ACTIVATIONS = {'linear': lambda x: x, 'sigmoid': lambda x: 1 / (1 + math.exp(-x)), 'tanh': fast_tanh,
               'ReLU': lambda x: max(x, 0), 'radial': lambda x: math.exp(-x * x / 2)}

def ranges_xml(blocks, names, old, targets):
    lines = []
    if old:
        lines.append(f'    <Transform Name="Normalize" NVariables="{len(names)}" NTargets="{targets}">')
    else:
        n = len(names) + targets
        entries = [('Variable', v) for v in names] + [('Target', f't{i}') for i in range(targets)]
        lines.append('    <Transform Name="Normalize">\n      <Selection>')
        for tag in ('Input', 'Output'):
            lines.append(f'        <{tag} N{tag}s="{n}">')
            lines += [f'          <{tag} Type="{kind}" Label="{v}" Expression="{v}"/>' for kind, v in entries]
            lines.append(f'        </{tag}>')
        lines.append('      </Selection>')
    for c, block in enumerate(blocks):
        lines.append(f'      <Class ClassIndex="{c}">')
        parts = [('Variables', 'Variable VarIndex', block[:len(names)]), ('Targets', 'Target TgtIndex', block[len(names):])]
        if not old: parts = [('Ranges', 'Range Index', block)]
        for outer, inner, values in parts:
            lines.append(f'        <{outer}>')
            lines += [f'          <{inner}="{i}" Min="{lo:.16e}" Max="{hi:.16e}"/>' for i, (lo, hi) in enumerate(values)]
            lines.append(f'        </{outer}>')
        lines.append('      </Class>')
    return '\n'.join(lines + ['    </Transform>'])

def make(name, analysis, hidden, neuron, estimator, outputs=1, normalize=True, old=False, targets=0):
    n, samples = 4, 40
    names = ['pt', 'eta', 'abs(phi)', 'm/2']
    X = np.stack([random.exponential(30, samples), random.normal(0, 1.5, samples), random.uniform(0, math.pi, samples),
                  random.normal(90, 10, samples)], 1).astype(F)
    layout = [n] + hidden + [outputs]
    weights = [random.normal(0, 1, (a + 1, b)) for a, b in zip(layout, layout[1:])]
    blocks = []
    if normalize:
        for c in range(3):
            scale = 1 + .1 * c
            blocks.append([(float(F(X[:, i].min() * scale - .5)), float(F(X[:, i].max() * scale))) for i in range(n)]
                          + [(-2. - i, 5. + i) for i in range(targets)])
    options = dict(NCycles=500, HiddenLayers=','.join(map(str, hidden)), NeuronType=neuron, EstimatorType=estimator,
                   NeuronInputType='sum', VarTransform='N' if normalize else 'None')
    classes = ['a', 'b', 'c'][:outputs] if analysis == 'Multiclass' else ['Signal', 'Background']
    xml = ['<?xml version="1.0"?>', f'<MethodSetup Method="MLP::{name}">', '  <GeneralInfo>',
           '    <Info name="TMVA Release" value="4.2.1 [262657]"/>', f'    <Info name="AnalysisType" value="{analysis}"/>',
           '  </GeneralInfo>', '  <Options>']
    xml += [f'    <Option name="{k}" modified="Yes">{v}</Option>' for k, v in options.items()]
    xml += ['  </Options>', f'  <Variables NVar="{n}">']
    xml += [f'    <Variable VarIndex="{i}" Expression="{v}" Label="{v}" Title="{v}" Unit="" Internal="v{i}" Type="F"/>'
            for i, v in enumerate(names)]
    xml += ['  </Variables>', '  <Spectators NSpec="0"/>', f'  <Classes NClass="{len(classes)}">']
    xml += [f'    <Class Name="{c}" Index="{i}"/>' for i, c in enumerate(classes)]
    xml += ['  </Classes>', f'  <Transformations NTransformations="{int(normalize)}">']
    if normalize: xml.append(ranges_xml(blocks, names, old, targets))
    xml += ['  </Transformations>', '  <MVAPdfs/>', '  <Weights>', f'    <Layout NLayers="{len(layout)}">']
    for index, count in enumerate(layout):
        is_last = index == len(layout) - 1
        xml.append(f'      <Layer Index="{index}" NNeurons="{count + (not is_last)}">')
        if is_last:
            xml += ['        <Neuron NSynapses="0"/>'] * count
        else:
            for row in weights[index]:
                xml += [f'        <Neuron NSynapses="{len(row)}">', '          ' + ' '.join(f'{w:.16e}' for w in row) + ' ',
                        '        </Neuron>']
        xml.append('      </Layer>')
    xml += ['    </Layout>', '  </Weights>', '</MethodSetup>', '']
    open(FOLDER + name + '.xml', 'w').write('\n'.join(xml))

    def evaluate(row):
        v = [float(x) for x in row]
        if normalize:
            for i, (lo, hi) in enumerate(blocks[-1][:n]):
                scale = F(1.0 / float(F(hi) - F(lo)))
                v[i] = float(F((row[i] - F(lo)) * scale * F(2) - F(1)))
        for index, w in enumerate(weights):
            is_last = index == len(weights) - 1
            f = ACTIVATIONS[neuron] if not is_last else ACTIVATIONS['sigmoid' if estimator == 'CE' else 'linear']
            v = [f(sum(a * b for a, b in zip(v + [1.0], w[:, j]))) for j in range(w.shape[1])]
        if analysis == 'Multiclass':
            v = [1 / (1 + sum(math.exp(o - v[i]) for j, o in enumerate(v) if j != i)) for i in range(len(v))]
        if targets:
            v = [lo + (y + 1) / (2 / (hi - lo)) for y, (lo, hi) in zip(v, blocks[-1][n:])]
        return v
    with open(FOLDER + name + '.csv', 'w') as f:
        for row in X:
            f.write(' '.join(repr(float(x)) for x in row) + ' | ' + ' '.join(repr(float(y)) for y in evaluate(row)) + '\n')

make('mlp_tanh', 'Classification', [6], 'tanh', 'CE')
make('mlp_sigmoid_old', 'Classification', [5, 3], 'sigmoid', 'MSE', old=True)
make('mlp_relu_classes', 'Multiclass', [5], 'ReLU', 'MSE', outputs=3)
make('mlp_radial_regression', 'Regression', [4], 'radial', 'MSE', outputs=2, targets=2)
make('mlp_plain', 'Classification', [3], 'linear', 'CE', normalize=False)
