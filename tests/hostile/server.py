#!/usr/bin/python3
"""A CA for every row of the tables of hostile behaviour.

server.py DIR PREFIXES: writes into DIR the certificates that it shows, and
trust.pem, the root for its clients. For every row that begins with one of
PREFIXES ("a1-,b"), and for good ones, prints "ROW PORT"; then "canary PORT", "control
PORT", "ready". The canary is where no client may ever connect. The control
port speaks plain HTTP: GET /ROW/POINT is how often ROW was asked for POINT
(directory, nonce, account, order, look, authz, challenge, finalize, chain,
window, alternate, replaces, connections, handshakes, bad); GET /canary/connections likewise. Ends when
its stdin does.
"""
import socket
import sys
import threading
import warnings

import certs
import rows
import wire
from ca import CA

warnings.simplefilter('ignore')
folder, prefixes = sys.argv[1], tuple(sys.argv[2].split(','))
certs.write_web(folder)


def serve(listener, talk):
    def one(sock):
        try:
            talk(sock)
        except (OSError, ValueError, KeyError, IndexError, TypeError):
            pass
        sock.close()
    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=one, args=(sock,), daemon=True).start()


def listen(name, talk):
    s = socket.create_server(('127.0.0.1', 0), backlog=100)
    port = s.getsockname()[1]
    print(name, port)
    threading.Thread(target=serve, args=(s, talk), daemon=True).start()
    return port


def control(sock):
    line = sock.makefile('rb').readline(4096).decode()
    name, point = line.split(' ')[1].lstrip('/').split('/')
    ca = cas[name]
    n = ca.bad if point == 'bad' else ca.counts.get(point, 0)
    text = '%d\n' % n
    sock.sendall(('HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s' %
                  (len(text), text)).encode())


cas = {'canary': CA({})}
canary = listen('canary', lambda s: cas['canary'].count('connections'))
for name, row in rows.table(canary).items():
    if name.startswith(prefixes + ('good',)):
        ca = cas[name] = CA(row)
        ca.base = 'https://127.0.0.1:%d' % listen(
            name, lambda s, ca=ca: wire.converse(s, ca, folder))
listen('control', control)
print('ready', flush=True)
sys.stdin.read()
