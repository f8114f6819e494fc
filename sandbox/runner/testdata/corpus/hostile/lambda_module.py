# danger: a module out of a lambda
import pandas as pd
(lambda m: m.io.common.os)(pd).system("id")
