#!/usr/bin/python3
"""A proxy that knows nothing but CONNECT.

proxy.py PORT FOLDER: appends each host that is asked for to FOLDER/asked, and
refuses all while FOLDER/closed exists. What the client offers to speak in
each tunnel (ALPN, of its first TLS record) is appended to FOLDER/offered.
"""
import os
import socket
import sys
import threading

port, folder = int(sys.argv[1]), sys.argv[2]


def take(c, n):
    p = b''
    while len(p) < n:
        more = c.recv(n - len(p))
        if not more:
            raise OSError('cut off')
        p += more
    return p


def pass_hello(c, there):
    head = take(c, 5)
    hello = take(c, int.from_bytes(head[3:5], 'big'))
    said = [p for p in ('h2', 'http/1.1')
            if bytes([len(p)]) + p.encode() in hello]
    with open(os.path.join(folder, 'offered'), 'a') as f:
        f.write(' '.join(said) + '\n')
    there.sendall(head + hello)


def pipe(a, b):
    try:
        while True:
            data = a.recv(65536)
            if not data:
                break
            b.sendall(data)
    except OSError:
        pass
    for s in (a, b):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(c):
    head = b''
    while b'\r\n\r\n' not in head:
        more = c.recv(4096)
        if not more or len(head) > 65536:
            return
        head += more
    method, target = head.split()[:2]
    with open(os.path.join(folder, 'asked'), 'ab') as f:
        f.write(method + b' ' + target + b'\n')
    if method != b'CONNECT' or os.path.exists(os.path.join(folder, 'closed')):
        c.sendall(b'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
        c.close()
        return
    host, number = target.decode().rsplit(':', 1)
    there = socket.create_connection((host.strip('[]'), int(number)))
    c.sendall(b'HTTP/1.1 200 Connection established\r\n'
              b'X-Of-The-Proxy: 1\r\n\r\n')
    threading.Thread(target=pipe, args=(there, c), daemon=True).start()
    pass_hello(c, there)
    pipe(c, there)


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('127.0.0.1', port))
listener.listen(64)
while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
