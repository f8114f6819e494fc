# danger: pandas' own way to open an address
import pandas as pd
print(pd.io.common.urlopen("http://" + "example.com").read())
