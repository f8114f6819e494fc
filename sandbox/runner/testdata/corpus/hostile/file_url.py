# danger: a file of the system as an address
import pandas as pd
print(pd.read_csv("file:///etc/passwd", sep=":"))
