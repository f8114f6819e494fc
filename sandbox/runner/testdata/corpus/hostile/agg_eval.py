# danger: eval handed to apply
import pandas as pd
print(pd.Series(["1 + 1", "print(2)"]).apply(eval))
