# danger: a file run by numpy's tests
import numpy as np
np.testing.rundocs("sales.csv")
