# danger: text run by numpy's stop watch
import numpy as np
np.testing.measure("print(1)")
