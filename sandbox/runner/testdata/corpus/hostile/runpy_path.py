# danger: an input that is run
import runpy
runpy.run_path("sales.csv")
