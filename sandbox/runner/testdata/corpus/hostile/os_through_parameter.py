# danger: os by way of a parameter
import pandas as pd

def f(m):
    return m.io.common.os

f(pd).getcwd()
