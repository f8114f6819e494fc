# danger: getattr with a name that is put together
import os
getattr(os, "sys" + "tem")("id")
