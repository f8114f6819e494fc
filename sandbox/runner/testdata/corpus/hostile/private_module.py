# danger: a module of Python's own
import _posixshmem, _ctypes_test
from _io import FileIO
print(FileIO("/etc/passwd").read())
