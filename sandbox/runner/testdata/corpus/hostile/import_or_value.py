# danger: a name for a module or for a number
import math as m
if len("ab") == 2:
    m = __import__("os")
m.system("id")
