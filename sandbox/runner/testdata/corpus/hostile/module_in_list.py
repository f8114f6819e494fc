# danger: os inside of a list
import os
[os][0].system("id")
