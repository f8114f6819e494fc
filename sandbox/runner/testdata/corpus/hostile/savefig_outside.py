# danger: a chart written elsewhere
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.savefig("../../usr/share/chart.png")
