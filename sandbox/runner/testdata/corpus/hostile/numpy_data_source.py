# danger: numpy's own way to open a file
import numpy as np
name = input()
print(np.DataSource(None).open(name).read())
