# danger: a thread past threading
import _thread
_thread.start_new_thread(print, ("x",))
