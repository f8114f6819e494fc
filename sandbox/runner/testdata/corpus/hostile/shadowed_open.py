# danger: an open that is another's
import io
open = io.FileIO
open("sales.csv")
