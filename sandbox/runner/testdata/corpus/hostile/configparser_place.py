# danger: a configuration that is no configuration
import configparser
c = configparser.ConfigParser()
print(c.read("/etc/passwd"), dict(c))
