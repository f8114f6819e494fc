# danger: a query that is joined out of a list that changes
import pandas as pd
df = pd.read_csv("sales.csv")
parts = ["@pd.io.common"]
parts.append("os.system('id')")
df.query(".".join(parts))
