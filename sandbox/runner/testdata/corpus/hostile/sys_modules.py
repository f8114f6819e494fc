# danger: os out of sys.modules
import sys
sys.modules["os"].system("id")
