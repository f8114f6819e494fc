# danger: a program by the name of a method
import operator

def on(tools):
    return operator.methodcaller("system", "id")(tools)
