# danger: operator.attrgetter with a path
from operator import attrgetter
import pandas as pd
attrgetter("io.common." + input("which? "))(pd)
print(attrgetter("__class__.__base__")(3))
