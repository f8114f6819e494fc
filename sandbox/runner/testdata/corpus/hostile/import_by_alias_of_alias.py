# danger: os handed from name to name
import os
a = os
b = a
b.system("id")
