# attributes of the tree ensembles of ONNX files, as JSON
"""usage: make_onnx.py FOLDER-OF-TREE-MODELS"""
import onnx, json, os, sys
from onnx import numpy_helper as nh
R=sys.argv[1]+'/'
for n in ('sklearn_gbr','sklearn_gbc_binary','sklearn_gbc_multi','sklearn_rf_multi','xgb_onnxmltools','lgbm_onnxmltools'):
    m=onnx.load(R+f'{n}/{n}.onnx')
    for node in m.graph.node:
        if node.op_type.startswith('TreeEnsemble'):
            d={'op':node.op_type}
            for a in node.attribute:
                v=onnx.helper.get_attribute_value(a)
                if isinstance(v,bytes): v=v.decode()
                elif isinstance(v,onnx.TensorProto): v=nh.to_array(v).tolist()
                elif isinstance(v,(list,tuple)) or hasattr(v,'__iter__'): v=[x.decode() if isinstance(x,bytes) else x for x in v]
                d[a.name]=v
            json.dump(d,open(os.path.dirname(os.path.abspath(__file__))+f'/onnx_{n}.json','w'),separators=(',',':'))
            print(n,node.op_type,{k:(v if not isinstance(v,list) else (len(v),v[:3])) for k,v in d.items()})
