# danger: a page from the network
import pandas as pd
URL = "https://" + "example.com/table"
pd.read_html(URL)
