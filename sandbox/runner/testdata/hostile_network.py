import socket
import requests_toolbelt
import urllib.request
from http.client import HTTPConnection
import pandas as pd

urllib.request.urlopen("https://example.com/steal")
pd.read_csv("https://example.com/data.csv")
socket.create_connection(("example.com", 80))
#> problem: Line 2: the module requests_toolbelt is not installed in the box. There are Python's own modules, pandas, numpy, matplotlib and openpyxl.
#> caution 1 Imports socket, which talks to the network; the box has none.
#> caution 3 Imports urllib.request, which talks to the network; the box has none.
#> caution 4 Imports http.client, which talks to the network; the box has none.
#> note 5 Imports pandas.
#> caution 7 Connects to https://example.com/steal; the box has no network.
#> caution 8 Reads from https://example.com/data.csv; the box has no network.
#> caution 9 Connects to example.com; the box has no network.
