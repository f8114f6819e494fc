# danger: the end by way of logging
import logging
logging.atexit.register(print)
