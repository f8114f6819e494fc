# danger: threads by way of logging
import logging
logging.threading.Thread(target=print).start()
