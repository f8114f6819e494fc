# danger: a place that climbs by name
import os
print(open(os.path.join(os.pardir, os.pardir, "etc", "passwd")).read())
