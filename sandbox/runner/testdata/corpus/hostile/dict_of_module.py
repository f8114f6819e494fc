# danger: a function out of a module's __dict__
import os
os.__dict__["system"]("id")
