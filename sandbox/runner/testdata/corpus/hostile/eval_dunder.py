# danger: DataFrame.eval with a walk
import pandas as pd
df = pd.read_csv("sales.csv")
df.eval("x = @df.__class__.__init__.__globals__")
