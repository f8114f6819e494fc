# danger: pandas' own way to open a file
import pandas as pd
print(pd.io.common.get_handle("/etc/passwd", "r").handle.read())
