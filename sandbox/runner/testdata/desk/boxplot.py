from desk import chart, load

axes = load("sales.csv").boxplot("amount", by="region", showfliers=False)
axes.set_ylabel("Amount")
chart(axes, "Amounts by region")
