# danger: readers that are handed on
import pandas as pd
print([*map(pd.read_csv, ["/etc/passwd"])])
