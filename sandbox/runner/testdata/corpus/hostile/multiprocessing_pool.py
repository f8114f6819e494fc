# danger: copies of the program
from multiprocessing import Pool
with Pool(64) as pool:
    pool.map(print, range(1000))
