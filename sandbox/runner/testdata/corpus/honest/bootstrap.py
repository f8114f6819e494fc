# fine: a bootstrap interval
import numpy as np
import pandas as pd

rng = np.random.default_rng(42)
amount = pd.read_csv("sales.csv")["amount"].dropna().to_numpy()
means = np.array([rng.choice(amount, size=len(amount), replace=True).mean() for _ in range(2000)])
low, high = np.percentile(means, [2.5, 97.5])
f"Mean {amount.mean():.2f}, 95 % interval {low:.2f} to {high:.2f}"
