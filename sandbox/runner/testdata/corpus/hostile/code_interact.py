# danger: text run by code
from code import InteractiveInterpreter
InteractiveInterpreter().runsource("print(1)")
