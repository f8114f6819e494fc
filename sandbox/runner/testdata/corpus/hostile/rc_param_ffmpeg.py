# danger: a setting that names a program
import matplotlib.pyplot as plt
from matplotlib import animation
plt.rcParams["animation.ffmpeg_path"] = "/bin/sh"
animation.FuncAnimation(plt.figure(), print).save("x.mp4")
