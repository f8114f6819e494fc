# danger: an import whose name is a parameter elsewhere
import os as text

def upper(text):
    return text.upper()

text.system("id")
