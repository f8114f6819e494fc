# medium 1: settings and XML in texts
import configparser
import xml.etree.ElementTree as ET
import pandas as pd

settings = configparser.ConfigParser()
settings.read_string("[report]\ntop = 5\nby = amount\n")
root = ET.fromstring("<r><a n='1'/><a n='2'/></r>")
print(sum(int(a.get("n")) for a in root.iter("a")))
df = pd.read_csv("sales.csv")
print(df.nlargest(settings.getint("report", "top"), settings.get("report", "by")))
