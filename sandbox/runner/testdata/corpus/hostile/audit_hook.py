# danger: an audit hook of its own
import sys
sys.addaudithook(print)
