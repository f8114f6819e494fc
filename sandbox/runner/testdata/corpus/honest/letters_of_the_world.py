# fine: texts in other alphabets
import pandas as pd
import matplotlib.pyplot as plt

df = pd.read_csv("sales.csv")
names = {"North": "Norðurland", "South": "Νότος", "East": "Восток", "West": "西部"}
df["region"] = df["region"].map(names).fillna("–")
fig, ax = plt.subplots()
df.groupby("region")["amount"].sum().plot.bar(ax=ax)
ax.set_title("Umsatz je Région, Δ in €")
