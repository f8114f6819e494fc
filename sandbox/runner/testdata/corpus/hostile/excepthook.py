# danger: what happens on errors, replaced
import sys
sys.excepthook = lambda *a: None
