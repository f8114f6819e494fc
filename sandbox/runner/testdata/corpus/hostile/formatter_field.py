# danger: os by a formatter
import string
import pandas as pd
found, _ = string.Formatter().get_field("0.io.common.os", (pd,), {})
print(found.getcwd())
