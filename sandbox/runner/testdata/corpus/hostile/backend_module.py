# danger: code loaded as a drawing backend
import matplotlib
matplotlib.use("module://evil")
