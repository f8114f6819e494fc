# danger: a place that is unpacked
import pandas as pd
pd.read_csv(**{"filepath_or_buffer": "/etc/passwd"})
