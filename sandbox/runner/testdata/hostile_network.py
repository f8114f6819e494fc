import socket
import requests_toolbelt
import urllib.request
from http.client import HTTPConnection
import pandas as pd

urllib.request.urlopen("https://example.com/steal")
pd.read_csv("https://example.com/data.csv")
socket.create_connection(("example.com", 80))
#> problem: Line 2: the module requests_toolbelt is not installed in the box. Use Python's own modules, the desk and the libraries that were listed.
#> caution 0 [unused file: sales.csv] Does not read sales.csv, which came with the question.
#> danger 1 [import: socket] Imports socket, which talks to the network.
#> danger 3 [import: urllib.request] Imports urllib.request, which talks to the network.
#> danger 4 [import: http.client] Imports http.client, which talks to the network.
#> note 5 [import: pandas] Imports pandas.
#> danger 7 [network: example.com] Connects to https://example.com/steal.
#> caution 7 [not listed: urlopen] Uses .urlopen, which is not among what is known to be harmless.
#> danger 7 [not listed: urllib.request] Uses urllib.request, a part of its library that analyses do not need.
#> danger 8 [network: example.com] Reads from https://example.com/data.csv.
#> danger 9 [network: example.com] Connects to example.com.
