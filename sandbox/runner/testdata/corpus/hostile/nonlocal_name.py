# danger: a name that an inner function sets
import math

def outer():
    tool = math

    def inner():
        nonlocal tool
        import os as tool

    inner()
    tool.system("id")

outer()
