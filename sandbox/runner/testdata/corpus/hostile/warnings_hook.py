# danger: a hook on warnings
import warnings
warnings.showwarning = lambda *a, **k: open("seen.txt", "a").write("x")
warnings.warn("now")
