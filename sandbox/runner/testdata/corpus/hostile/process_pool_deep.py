# danger: a process pool by its own module
import concurrent.futures.process
concurrent.futures.process.ProcessPoolExecutor().submit(print, 1)
