# danger: machine code
import ctypes
ctypes.CDLL(None).system(b"id")
