# danger: a function that calls itself without an end
import sys
sys.setrecursionlimit(10**9)

def down(n):
    return down(n + 1)

down(0)
