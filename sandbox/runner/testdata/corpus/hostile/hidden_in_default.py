# danger: a deed inside of a default
def mean(values, start=__import__("os").getcwd()):
    return len(values)
