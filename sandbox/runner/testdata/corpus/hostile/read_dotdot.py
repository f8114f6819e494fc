# danger: a file above the working folder
import pandas as pd
print(pd.read_csv("data/../../result.part"))
