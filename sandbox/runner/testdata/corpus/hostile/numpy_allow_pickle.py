# danger: a pickle by numpy
import numpy as np
np.load("data.npy", allow_pickle=True)
