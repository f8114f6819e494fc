# fine: a pie chart
import pandas as pd
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt

share = pd.read_csv("sales.csv").groupby("product")["amount"].sum()
plt.figure(figsize=(6, 6))
plt.pie(share, labels=share.index, autopct="%1.1f%%", startangle=90)
plt.title("Share of revenue by product")
plt.axis("equal")
share.to_frame()
