# danger: a movie, for which a program is started
import matplotlib.pyplot as plt
from matplotlib import animation
fig = plt.figure()
w = animation.FFMpegWriter()
w.bin_path = lambda: "/bin/sh"
animation.FuncAnimation(fig, print).save("x.mp4", writer=w)
