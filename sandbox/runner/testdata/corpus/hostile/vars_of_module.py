# danger: a function out of a module's names
import os
vars(os)["sys" + "tem"]("id")
