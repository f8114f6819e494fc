# danger: a walk inside of a format
import pandas as pd
print("{0.__class__.__init__.__globals__}".format(pd.DataFrame()))
