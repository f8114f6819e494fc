# danger: a place that begins with the separator
import os
print(open(os.sep + "etc/passwd").read())
