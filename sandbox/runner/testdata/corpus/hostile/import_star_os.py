# danger: every name of os
from os import *
print(listdir("."))
system("id")
