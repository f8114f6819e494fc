# danger: an array of terabytes
import numpy as np
grid = np.zeros((10**6, 10**6))
