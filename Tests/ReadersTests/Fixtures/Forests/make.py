# fixtures from the frameworks themselves
import numpy as np, xgboost as xgb, lightgbm as lgb, json, os
O=os.path.dirname(os.path.abspath(__file__))+'/'
r=np.random.default_rng(5)
def out(name, X, M, P=None):
    with open(O+name+'.csv','w') as f:
        for i in range(len(X)):
            row=[repr(float(v)) for v in X[i]]+['|']+[repr(float(v)) for v in np.atleast_1d(M[i])]
            if P is not None: row+=['|']+[repr(float(v)) for v in np.atleast_1d(P[i])]
            f.write(' '.join(row)+'\n')
n=1200
X=np.round(r.normal(size=(n,6))*16)/16
X=X.astype(np.float32)
Xm=X.copy(); Xm[r.random(X.shape)<0.15]=np.nan
y=((np.nan_to_num(Xm[:,0])+np.nan_to_num(Xm[:,1])*np.nan_to_num(Xm[:,2])+r.normal(size=n)*.3)>0.2).astype(int)
ym=np.digitize(np.nan_to_num(Xm[:,0])+.5*np.nan_to_num(Xm[:,3]),[-.5,.5])
yr=np.nan_to_num(Xm[:,0])*2+np.abs(np.nan_to_num(Xm[:,1]))
def thresholds(b):
    t=b.trees_to_dataframe(); s=t[t.Feature!='Leaf']; return s
def ties(j, X):
    # rows whose features sit exactly on thresholds
    T=X.copy(); k=0
    for t in j['learner']['gradient_booster'].get('model',j['learner']['gradient_booster'].get('gbtree',{}).get('model'))['trees']:
        for l,f,s in zip(t['left_children'],t['split_indices'],t['split_conditions']):
            if l>=0: T[k%len(T),f]=np.float32(s); k+=1
    return T
def xg(name, params, y, rounds, **kw):
    b=xgb.train(dict(params,nthread=1,seed=3), xgb.DMatrix(Xm,y), rounds)
    b.save_model(O+name+'.json'); b.save_model(O+name+'.ubj')
    j=json.load(open(O+name+'.json'))
    b=xgb.Booster(model_file=O+name+'.json')
    T=np.vstack([Xm[:40],ties(j,Xm[40:100])])
    D=xgb.DMatrix(T)
    out(name,T,b.predict(D,output_margin=True),b.predict(D))
xg('xgb_dart',dict(booster='dart',objective='binary:logistic',max_depth=3,rate_drop=.3,eta=.4),y,6)
xg('xgb_dart_multi',dict(booster='dart',objective='multi:softprob',num_class=3,max_depth=2,rate_drop=.5,eta=.4),ym,4)
# The same from XGBoost 3.3 on, which has the weights elsewhere (made with 3.4.1, the other two with 3.2.0).
xg('xgb_dart_unified',dict(booster='dart',objective='multi:softprob',num_class=3,max_depth=2,rate_drop=.5,eta=.4),ym,4)
xg('xgb_rf_multi',dict(objective='multi:softprob',num_class=3,max_depth=3,num_parallel_tree=3,subsample=.6,colsample_bynode=.7,eta=1),ym,1)
xg('xgb_poisson',dict(objective='count:poisson',max_depth=3),np.abs(np.round(yr)),4)
xg('xgb_reg_missing',dict(objective='reg:squarederror',max_depth=4),yr,5)
xg('xgb_logitraw',dict(objective='binary:logitraw',max_depth=3,base_score=0.3),y,3)
xg('xgb_single_leaf',dict(objective='binary:logistic',max_depth=3,gamma=1e9),y,2)
# multi target + categorical for refusals
b=xgb.train(dict(multi_strategy='multi_output_tree',max_depth=2,tree_method='hist',nthread=1),xgb.DMatrix(X,np.stack([yr,yr*2],1)),2); b.save_model(O+'xgb_vector_leaf.json')
b=xgb.train(dict(booster='gblinear',nthread=1),xgb.DMatrix(X,yr),2); b.save_model(O+'xgb_linear.json')
import pandas as pd
df=pd.DataFrame({'a':pd.Categorical(r.integers(0,12,n)),'b':X[:,1]})
yc=(np.isin(df.a.astype(int),[1,4,5,7,9])*2.+X[:,1]).astype(float)
b=xgb.train(dict(max_depth=3,tree_method='hist',nthread=1,max_cat_to_onehot=2),xgb.DMatrix(df,yc,enable_categorical=True),2); b.save_model(O+'xgb_categorical.json')
def lg(name, params, X, y, rounds, T=None, **kw):
    b=lgb.train(dict(params,num_threads=1,verbosity=-1,seed=3,min_data_in_leaf=5), lgb.Dataset(X.astype(np.float64),y,**kw), rounds)
    b.save_model(O+name+'.txt')
    b=lgb.Booster(model_file=O+name+'.txt')
    T=Xm[:80].astype(np.float64) if T is None else T
    # ties
    T=T.copy(); k=0
    def walk(nd):
        global k
        if 'split_feature' in nd:
            # LightGBM's Python interface takes features within 1e-35 of 0 for 0, so that ties on the threshold 1e-35 do not exist
            if nd['decision_type']=='<=' and abs(nd['threshold'])>1e-30: T[40+k%40,nd['split_feature']]=nd['threshold']; k+=1
            walk(nd['left_child']); walk(nd['right_child'])
    for t in b.dump_model()['tree_info']: walk(t['tree_structure'])
    raw=b.predict(T,raw_score=True)
    if params.get('boosting')=='rf': raw=raw/rounds  # raw_score is the sum; the score that is transformed is the average
    out(name,T,raw,b.predict(T))
k=0
lg('lgbm_missing',dict(objective='binary',num_leaves=7),Xm,y,5)
Z=X.copy(); Z[r.random(X.shape)<.3]=0
lg('lgbm_zero_missing',dict(objective='regression',num_leaves=8,zero_as_missing=True),Z,yr,5,T=np.where(r.random((80,6))<.3,np.where(r.random((80,6))<.5,0,np.nan),X[:80]))
lg('lgbm_rf',dict(objective='multiclass',num_class=3,boosting='rf',bagging_freq=1,bagging_fraction=.6,num_leaves=5),Xm,ym,4)
lg('lgbm_dart',dict(objective='binary',boosting='dart',num_leaves=5,sigmoid=1.5),Xm,y,6)
lg('lgbm_poisson',dict(objective='poisson',num_leaves=5),X,np.abs(np.round(yr)),3)
lg('lgbm_none_missing',dict(objective='regression',num_leaves=6),X,yr,3)   # NaN at prediction although none in training
lg('lgbm_stump',dict(objective='regression',num_leaves=6,min_gain_to_split=1e9),X,yr,2)
lgb.train(dict(objective='regression',num_leaves=4,linear_tree=True,verbosity=-1),lgb.Dataset(X.astype(float),yr),2).save_model(O+'lgbm_linear.txt')
XC=np.stack([df.a.astype(int),X[:,1]],1).astype(float)
lgb.train(dict(objective='regression',num_leaves=4,verbosity=-1,min_data_per_group=5,cat_smooth=1),lgb.Dataset(XC,yc,categorical_feature=[0]),2).save_model(O+'lgbm_categorical.txt')
# TMVA fixtures: written by hand in TMVA 4.2's layout; the expectation is ROOT's documented semantics, evaluated here
import random, numpy as np
random.seed(3)
f=np.float32
def cond(t,x):
    if t[0]=='leaf': return t
    _,var,cut,ct,l,r=t
    res = bool(f(x[var])>=f(cut)) if x[var]==x[var] else False
    return cond(r if res==bool(ct) else l, x)
def rnd(d,nv,top=False):
    if d==0 or (not top and random.random()<.2): return ('leaf', f(random.uniform(-1,1)), random.choice([-1,1]), f(random.random()))
    return ('n', random.randrange(nv), random.randrange(-24,24)/8+random.choice([0,1e-9]), random.choice([1,1,0]), rnd(d-1,nv), rnd(d-1,nv))
def node(t,pos,d,grad,out,swap):
    ind='  '*(d+3)
    if t[0]=='leaf':
        out.append(f'{ind}<Node pos="{pos}" depth="{d}" NCoef="0" IVar="-1" Cut="0.0e+00" cType="1" res="{float(t[1]):.16e}" rms="0.0e+00" purity="{float(t[3]):.16e}" nType="{-99 if grad else t[2]}"/>')
    else:
        out.append(f'{ind}<Node pos="{pos}" depth="{d}" NCoef="0" IVar="{t[1]}" Cut="{t[2]:.16e}" cType="{t[3]}" res="0.0e+00" rms="0.0e+00" purity="5.0e-01" nType="0">')
        kids=[(t[4],'l'),(t[5],'r')]
        if swap and random.random()<.5: kids.reverse()
        for k,p in kids: node(k,p,d+1,grad,out,swap)
        out.append(f'{ind}</Node>')
def write(name, boost, analysis, trees, w, yes='True', head='', classes=('Signal','Background'), nv=4):
    grad = boost=='Grad'
    L=[head+'<?xml version="1.0"?>','<MethodSetup Method="BDT::%s">'%name,'  <GeneralInfo>','    <Info name="TMVA Release" value="4.2.1 [262657]"/>',f'    <Info name="AnalysisType" value="{analysis}"/>','  </GeneralInfo>','  <Options>','    <Option name="VarTransform" modified="No">None</Option>',f'    <Option name="BoostType" modified="Yes">{boost}</Option>',f'    <Option name="UseYesNoLeaf" modified="No">{yes}</Option>','    <Option name="DoPreselection" modified="No">False</Option>','  </Options>',f'  <Variables NVar="{nv}">']
    L+=[f'    <Variable VarIndex="{i}" Expression="p&lt;{i}" Label="v{i}" Type="F" Min="-1" Max="1"/>' for i in range(nv)]
    L+=['  </Variables>','  <Spectators NSpec="0"/>',f'  <Classes NClass="{len(classes)}">']+[f'    <Class Name="{c}" Index="{i}"/>' for i,c in enumerate(classes)]+['  </Classes>','  <Transformations NTransformations="0"/>','  <MVAPdfs/>',f'  <Weights NTrees="{len(trees)}" AnalysisType="{1 if grad else 0}">']
    for i,t in enumerate(trees):
        L.append(f'    <BinaryTree type="DecisionTree" boostWeight="{w[i]:.16e}" itree="{i}">'); node(t,'s',0,grad,L,True); L.append('    </BinaryTree>')
    L+=['  </Weights>','</MethodSetup>']
    open(O+f'tmva_{name}.xml','w').write('\n'.join(L)+'\n')
    X=[[random.choice([random.uniform(-3,3),random.randrange(-24,24)/8]) for _ in range(nv)] for _ in range(60)]
    X=[[float(f(v)) for v in x] for x in X]
    with open(O+f'tmva_{name}.csv','w') as h:
        for x in X:
            leaves=[cond(t,x) for t in trees]
            if boost=='Grad' and analysis=='Multiclass':
                s=[0.0]*len(classes)
                for i,lf in enumerate(leaves): s[i%len(classes)]+=float(lf[1])
                p=[1/(1+sum(np.exp(s[j]-s[i]) for j in range(len(s)) if j!=i)) for i in range(len(s))]
            elif boost=='Grad':
                s=0.0
                for lf in leaves: s+=float(lf[1])
                if analysis=='Regression': s+=w[0]; p=[s]
                else: p=[2/(1+np.exp(-2*s))-1]
                s=[s]
            else:
                s=n=0.0
                for wi,lf in zip(w,leaves):
                    s+=wi*(float(lf[1]) if analysis=='Regression' else lf[2] if yes=='True' else float(lf[3])); n+=wi
                s=[s/n]; p=s
            h.write(' '.join(repr(float(v)) for v in x)+' | '+' '.join(repr(float(v)) for v in s)+' | '+' '.join(repr(float(v)) for v in p)+'\n')
w=[float(f'{random.uniform(.1,2):.16e}') for _ in range(12)]
write('grad','Grad','Classification',[rnd(3,4,True) for _ in range(8)],[1.0]*8,head='\n ')
write('grad_multi','Grad','Multiclass',[rnd(2,4,True) for _ in range(9)],[1.0]*9,classes=('a','b','c'))
write('grad_reg','Grad','Regression',[rnd(3,4,True) for _ in range(6)],w)
write('adaboost','AdaBoost','Classification',[rnd(3,4,True) for _ in range(8)],w)
write('purity','AdaBoost','Classification',[rnd(3,4,True) for _ in range(8)],w,yes='False')
write('bagging','Bagging','Regression',[rnd(3,4,True) for _ in range(5)],[1.0]*5)
