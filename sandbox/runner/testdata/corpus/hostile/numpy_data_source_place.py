# danger: numpy's own way to open a file elsewhere
import numpy as np
print(np.DataSource(None).open("/etc/passwd").read())
