# danger: code from elsewhere
import sys
sys.path.insert(0, ".")
