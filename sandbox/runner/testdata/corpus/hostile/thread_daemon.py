# danger: a thread that goes on
import threading
import time
threading.Thread(target=lambda: time.sleep(5), daemon=True).start()
