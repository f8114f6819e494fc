# fine: the look of charts
import pandas as pd
import matplotlib.pyplot as plt

plt.style.use("ggplot")
plt.rcParams["figure.figsize"] = (8, 4)
plt.rcParams.update({"font.size": 9, "axes.titlesize": 11})
pd.read_csv("sales.csv").groupby("region")["units"].sum().plot.bar(title="Units by region")
plt.ylabel("Units")
