# danger: machine code by way of numpy
import numpy as np
np.ctypeslib.load_library("libc.so.6", "/lib")
