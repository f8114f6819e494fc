# fine: a picture inside a page
import base64
import io
import pandas as pd
import matplotlib.pyplot as plt

df = pd.read_csv("sales.csv")
fig, ax = plt.subplots()
df["units"].plot.hist(ax=ax, title="Units")
buffer = io.BytesIO()
fig.savefig(buffer, format="png")
encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
with open("report.html", "w") as f:
    f.write("<img src='data:image/png;base64," + encoded + "'>")
