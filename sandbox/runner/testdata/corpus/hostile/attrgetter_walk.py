# danger: os by a path of names in a text
import operator
import pandas as pd
operator.attrgetter("io.common.os")(pd).getcwd()
