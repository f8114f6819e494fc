# danger: pandas made to lie by setattr
import pandas as pd
setattr(pd.DataFrame, "sum", lambda self, *a, **k: 42)
print(pd.read_csv("sales.csv").sum())
