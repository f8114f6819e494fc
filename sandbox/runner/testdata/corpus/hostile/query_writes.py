# danger: a query that writes a file
import pandas as pd
df = pd.read_csv("sales.csv")
df.query("amount.to_csv('/tmp/x') == 1")
