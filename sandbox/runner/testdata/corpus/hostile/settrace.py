# danger: a hook on every line
import sys
sys.settrace(lambda *a: None)
