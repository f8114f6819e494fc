# danger: os under the name of json
import os as json
json.system("id")
