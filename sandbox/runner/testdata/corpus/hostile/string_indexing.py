# danger: a name out of the alphabet
import string
a = string.ascii_lowercase
name = a[18] + a[24] + a[18] + a[19] + a[4] + a[12]
import statistics
getattr(getattr(statistics, a[18] + a[24] + a[18]).modules["os"], name)("id")
