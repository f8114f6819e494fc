# danger: a library under another's usual name
import numpy as pd
print(pd.zeros(3))
