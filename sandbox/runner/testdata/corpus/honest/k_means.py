# fine: clusters by hand
import numpy as np
import pandas as pd

data = pd.read_csv("sales.csv")[["units", "amount"]].dropna().to_numpy(float)
data = (data - data.mean(axis=0)) / data.std(axis=0)
rng = np.random.default_rng(0)
centres = data[rng.choice(len(data), 3, replace=False)]
moved = True
while moved:
    label = np.argmin(((data[:, None] - centres) ** 2).sum(axis=2), axis=1)
    fresh = np.array([data[label == k].mean(axis=0) if (label == k).any() else centres[k] for k in range(3)])
    moved = not np.allclose(fresh, centres)
    centres = fresh
np.bincount(label)
