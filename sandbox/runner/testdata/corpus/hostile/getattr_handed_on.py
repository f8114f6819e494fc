# danger: getattr as a value
from functools import reduce
import pandas as pd
reduce(getattr, ["io", "common", "os"], pd).listdir("/")
