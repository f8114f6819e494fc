# danger: a debugger by the environment
import os
os.environ["PYTHONBREAKPOINT"] = "os.system"
breakpoint("id")
