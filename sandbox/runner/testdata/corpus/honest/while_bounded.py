# fine: a loop that halves an interval
import pandas as pd

amounts = pd.read_csv("sales.csv")["amount"].dropna()
low, high, steps = amounts.min(), amounts.max(), 0
while high - low > 0.01 and steps < 100:
    middle = (low + high) / 2
    if (amounts <= middle).mean() < 0.9:
        low = middle
    else:
        high = middle
    steps += 1
f"About 90 % of the amounts are below {high:.2f} (found in {steps} steps)"
