"""Exit with 0 if the server on this port answers /up with 200; imports nothing slow, for it runs every few seconds."""

import socket
import sys

with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=1) as connection:
    connection.sendall(b"GET /up HTTP/1.0\r\n\r\n")
    sys.exit(0 if b" 200 " in connection.recv(64) else 1)
