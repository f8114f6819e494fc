# danger: Popen of something that cannot be followed
import pandas as pd
import warnings
w = warnings.catch_warnings()
tools = [w]
tools[0]._module.popen("id")
