# fine: an address in a chart's text
import pandas as pd
import matplotlib.pyplot as plt

df = pd.read_csv("sales.csv")
df.groupby("region")["amount"].sum().plot.bar(title="Sales\nSource: https://example.com/data")
plt.figtext(0.01, 0.01, "http://example.com", fontsize=6)
