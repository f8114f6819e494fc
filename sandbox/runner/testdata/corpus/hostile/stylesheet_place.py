# danger: a stylesheet that is no stylesheet
import pandas as pd
print(pd.read_xml("events.json", stylesheet="/etc/passwd"))
