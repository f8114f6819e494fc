# fine: a simulation with numpy
import numpy as np

rng = np.random.default_rng(1)
paths = 100 * np.exp(np.cumsum(rng.normal(0.0002, 0.01, size=(10_000, 252)), axis=1))
final = paths[:, -1]
np.percentile(final, [5, 50, 95]).round(2).tolist()
