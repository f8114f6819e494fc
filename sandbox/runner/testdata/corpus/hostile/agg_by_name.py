# danger: a method by its name in agg
import pandas as pd
df = pd.read_csv("sales.csv")
df.agg("to_clipboard")
