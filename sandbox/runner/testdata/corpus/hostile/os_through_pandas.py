# danger: os by way of pandas
import pandas as pd
pd.io.common.os.system("id")
