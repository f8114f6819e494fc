# danger: an import that a comprehension sets
import math as m
[m := __import__(n) for n in ("os",)]
m.system("id")
