# danger: a reader by its own module
import pandas.io.parsers
print(pandas.io.parsers.read_csv("/etc/passwd"))
