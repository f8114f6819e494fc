# danger: a query out of two texts that are harmless
import pandas as pd
df = pd.read_csv("sales.csv")
q = "amount > 1 or @pd"
if len(df):
    q = q + ".io.common.os.sys" + "tem('id')"
df.query(expr=q)
