# danger: os by way of random
import random
random._os.system("id")
