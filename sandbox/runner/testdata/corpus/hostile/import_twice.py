# danger: a name that is imported again
import os as m
m.system("id")
import math as m
print(m.pi)
