# danger: a database that is opened from within SQL
import sqlite3
db = sqlite3.connect(":memory:")
db.execute("ATTACH DATABASE '/var/lib/other.db' AS other")
