# danger: the files of the system
import glob
print(glob.glob("/**", recursive=True)[:100])
