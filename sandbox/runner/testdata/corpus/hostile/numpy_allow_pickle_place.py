# danger: a pickle by numpy, by place
import numpy as np
np.load("data.npy", None, 1)
