# danger 2: which versions there are
import platform
import sys
import matplotlib
import numpy as np
import pandas as pd

print(platform.system(), platform.python_version(), sys.version_info[:2])
print(pd.__version__, np.__version__, matplotlib.__version__)
print(len(pd.read_csv("sales.csv")))
