# danger: pandas' own eval with a module
import pandas as pd
pd.eval("pd.io.common.os.getcwd()")
