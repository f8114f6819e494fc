# danger: the environment by way of format
import pandas as pd
print("{0.io.common.os.environ}".format(pd))
