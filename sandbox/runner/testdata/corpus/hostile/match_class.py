# danger: a walk along classes in a pattern
import pandas as pd
match ():
    case object(__class__=object(__base__=b)):
        print(b)
