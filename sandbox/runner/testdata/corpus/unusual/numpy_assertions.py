# danger 5: numpy's assertions
import numpy as np
import pandas as pd

df = pd.read_csv("sales.csv")
np.testing.assert_allclose(df["units"] * df["price"], df["amount"], rtol=0.01)
shares = df["amount"] / df["amount"].sum()
np.testing.assert_almost_equal(shares.sum(), 1)
print(np.trace(np.eye(3)), np.random.default_rng(1).normal(size=3), np.array([1, 2]).copy())
