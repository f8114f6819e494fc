from desk import chart, load, table
import matplotlib.pyplot as plt

corr = load("sales.csv").corr(numeric_only=True)
table(corr)
fig, ax = plt.subplots()
fig.colorbar(ax.imshow(corr, cmap="coolwarm", vmin=-1, vmax=1))
ax.set_xticks(range(len(corr)), corr.columns, rotation=45)
ax.set_yticks(range(len(corr)), corr.columns)
chart(fig, "Correlations")
