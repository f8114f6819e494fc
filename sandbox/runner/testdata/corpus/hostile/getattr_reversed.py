# danger: getattr with a name that is turned around
import os
getattr(os, "metsys"[::-1])("id")
