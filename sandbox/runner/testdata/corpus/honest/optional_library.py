# fine: a library that may be there
import pandas as pd
try:
    import seaborn as sns
except ImportError:
    sns = None
import matplotlib.pyplot as plt

df = pd.read_csv("sales.csv")
if sns is not None:
    sns.barplot(data=df, x="region", y="amount")
else:
    df.groupby("region")["amount"].mean().plot.bar()
plt.title("Average amount")
