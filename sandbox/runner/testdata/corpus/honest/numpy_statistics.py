# fine: statistics with numpy
import numpy as np
import pandas as pd

values = pd.read_csv("sales.csv")["amount"].dropna().to_numpy(dtype=float)
q1, median, q3 = np.percentile(values, [25, 50, 75])
iqr = q3 - q1
outliers = values[(values < q1 - 1.5 * iqr) | (values > q3 + 1.5 * iqr)]
print("n = {:d}, mean = {:.2f}, sd = {:.2f}".format(len(values), values.mean(), values.std(ddof=1)))
print("median = {:.2f}, IQR = {:.2f}, outliers = {}".format(median, iqr, len(outliers)))
