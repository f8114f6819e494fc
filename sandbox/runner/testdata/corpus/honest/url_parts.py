# fine: the parts of addresses
from urllib.parse import urlparse, parse_qs, unquote
import pandas as pd

visits = pd.Series(["https://example.com/shop?item=3&ref=mail", "http://example.org/a%20b", "https://example.com/"])
parsed = visits.map(urlparse)
pd.DataFrame({"host": parsed.map(lambda u: u.netloc), "path": parsed.map(lambda u: unquote(u.path)), "ref": parsed.map(lambda u: parse_qs(u.query).get("ref", [None])[0])})
