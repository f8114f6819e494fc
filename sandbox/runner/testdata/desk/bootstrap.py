from desk import answer, load
import numpy as np

amount = load("sales.csv")["amount"].dropna()
means = np.random.default_rng(42).choice(amount, (2000, len(amount))).mean(axis=1)
low, high = np.percentile(means, [2.5, 97.5])
answer(f"Mean {amount.mean():.2f}, between {low:.2f} and {high:.2f}")
