# danger: a walk within format_map
import pandas as pd
print("{pd.io.common.os.environ}".format_map({"pd": pd}))
