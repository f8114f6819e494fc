# danger: a class out of computed parts
import os
Tool = type("Tool", (object,), {"go": os.getcwd})
Tool.go()
