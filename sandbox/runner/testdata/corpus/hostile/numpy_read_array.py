# danger: a pickle within an array
import numpy as np
with open("sales.csv", "rb") as f:
    np.lib.format.read_array(f, allow_pickle=True)
