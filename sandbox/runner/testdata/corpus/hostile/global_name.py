# danger: a name that a function sets for all
import math as tool

def prepare():
    global tool
    tool = __import__("o" + "s")

prepare()
print(tool.getcwd(), tool.listdir("/"))
