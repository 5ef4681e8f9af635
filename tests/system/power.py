#!/usr/bin/env python3
"""What a power failure may leave of an install (security.md section 5).

power.py CHECK STATE BEFORE LOG LIVE

STATE is the folder that was worked on, BEFORE a copy from before, LOG what
strace recorded meanwhile, LIVE what must be live in the end.

Nothing that was not fsynced is sure, and all of it may be there: any subset of
the changes to a directory since its last fsync, any part of a file. So it is
enough to look, after every call, at all that `live` may point to, and to ask
whether everything that is reached from there is sure. At the end only the new
generation may be live. Prints the number of calls and of states, or what a
reader could have found.

power.py MUTANTS ...          the same without the 1st, 2nd ... fsync: what each
is there for.
"""
import os
import re
import sys

FILES = ["privkey.pem", "cert.pem", "chain.pem", "fullchain.pem",
         "combined.pem", "meta.json"]


class Node:
    """An inode: sure is what survives for certain."""
    def __init__(self, kind, target=None):
        self.kind = kind
        self.target = target
        self.dirty = False            # bytes, owner or mode
        self.entries = {}             # as the running system sees it
        self.sure = {}
        self.maybe = {}               # name -> list of other outcomes

    def change(self, name, node):
        old = self.sure.get(name)
        if node is None:
            self.entries.pop(name, None)
        else:
            self.entries[name] = node
        self.maybe.setdefault(name, [old]).append(node)

    def sync(self):
        self.dirty = False
        self.sure = dict(self.entries)
        self.maybe = {}

    def outcomes(self, name):
        return self.maybe.get(name, [self.sure.get(name)])


def load(path):
    node = Node("dir")
    for entry in os.scandir(path):
        if entry.is_symlink():
            child = Node("link", os.readlink(entry.path))
        elif entry.is_dir():
            child = load(entry.path)
        else:
            child = Node("file")
        node.entries[entry.name] = child
    node.sure = dict(node.entries)
    return node


class Broken(Exception):
    pass


def reached(root):
    """The folder of the one certificate in each state that may be."""
    found = [root]
    for pick in (r"certs$", r"[0-9a-f]{2}$", r"[0-9a-f]{16}$"):
        found = [n for d in found for name in set(d.entries) | set(d.sure)
                 if re.match(pick, name) for n in d.outcomes(name)]
        found = [n for n in found if n is not None]
    return found


def whole(cert, target):
    gens = cert.outcomes("gen")
    if gens.count(None) or len(set(gens)) != 1:
        raise Broken("live leads to gen/, which may be gone")
    name = target.split("/")[1]
    nodes = set(gens[0].outcomes(name))
    if len(nodes) != 1 or None in nodes:
        raise Broken("live leads to %s, which may be gone" % name)
    gen = nodes.pop()
    if gen.dirty:
        raise Broken("the mode of %s may be another" % name)
    for f in FILES:
        files = set(gen.outcomes(f))
        if len(files) != 1 or None in files:
            raise Broken("%s/%s may be gone" % (name, f))
        if files.pop().dirty:
            raise Broken("%s/%s may be half" % (name, f))


def look(root):
    states = 0
    for cert in reached(root):
        for live in cert.outcomes("live"):
            states += 1
            if live is not None:
                whole(cert, live.target)
    return states


def at_end(root, wanted):
    d = root
    for pick in (r"certs$", r"[0-9a-f]{2}$", r"[0-9a-f]{16}$"):
        names = [n for n in d.entries if re.match(pick, n)]
        if d.outcomes(names[0]) != [d.entries[names[0]]]:
            raise Broken("%s may be gone after all was done" % names[0])
        d = d.entries[names[0]]
    live = d.outcomes("live")
    if len(live) != 1 or live[0] is None or live[0].target != wanted:
        raise Broken("what was told to be live may not be")
    if "live" in root.entries:
        people = root.entries["live"]
        names = root.outcomes("live") + [
            n for name in people.entries for n in people.outcomes(name)]
        if None in names:
            raise Broken("people's path may be gone after all was done")


CALL = re.compile(r"^\d+\s+(\w+)\((.*)\)\s+= (-?\d+)")


def calls(log):
    for line in open(log):
        m = CALL.match(line)
        if m and not m.group(3).startswith("-"):
            args = [a.strip() for a in m.group(2).split(", ")]
            yield m.group(1), args, int(m.group(3))


def text(arg):
    return arg.strip('"')


class Replay:
    def __init__(self, state, root):
        self.state = state
        self.fds = {}
        self.root = root

    def at(self, fd, path):
        """The folder that holds path, and its last name."""
        path = text(path)
        if fd == "AT_FDCWD":
            return (None, path)
        d = self.fds.get(int(fd))
        parts = [p for p in path.split("/") if p != "."]
        for p in parts[:-1]:
            d = d.entries.get(p) if d else None
        return (d, parts[-1] if parts else ".")

    def do(self, name, a, result):
        if name == "openat":
            d, last = self.at(a[0], a[1])
            if d is None:
                node = self.root if last == self.state else None
            elif last == ".":
                node = d
            else:
                node = d.entries.get(last)
                if node is None and "O_CREAT" in a[2]:
                    node = Node("file")
                    node.dirty = True
                    d.change(last, node)
            self.fds[result] = node
        elif name == "close":
            self.fds.pop(int(a[0]), None)
        elif name == "fcntl" and "DUPFD" in a[1]:
            self.fds[result] = self.fds.get(int(a[0]))
        elif name in ("mkdirat", "symlinkat"):
            made = Node("dir") if name == "mkdirat" else \
                Node("link", text(a[0]))
            d, last = self.at(*(a[0:2] if name == "mkdirat" else a[1:3]))
            made.dirty = made.kind == "dir"
            d.change(last, made)
        elif name in ("renameat", "renameat2"):
            (d, old), (e, new) = self.at(*a[0:2]), self.at(*a[2:4])
            node = d.entries[old]
            d.change(old, None)
            e.change(new, node)
        elif name == "unlinkat":
            d, last = self.at(*a[0:2])
            d.change(last, None)
        elif name in ("write", "fchmod", "fchown"):
            node = self.fds.get(int(a[0]))
            if node is not None:
                node.dirty = True
        elif name == "fsync":
            node = self.fds.get(int(a[0]))
            if node is not None:
                node.sync()


def run(state, before, log, wanted, without=0):
    """without: the number of the fsync that is left out."""
    root = load(before)
    replay = Replay(state, root)
    syncs = steps = states = 0
    for name, args, result in calls(log):
        if name == "fsync":
            syncs += 1
            if syncs == without:
                continue
        replay.do(name, args, result)
        steps += 1
        states += look(root)
    at_end(root, wanted)
    return steps, states, syncs


def main():
    what, state, before, log, wanted = sys.argv[1:6]
    if what == "CHECK":
        try:
            print("%d calls, %d states, %d fsyncs" %
                  run(state, before, log, wanted))
        except Broken as e:
            print(e)
            return 1
        return 0
    syncs = run(state, before, log, wanted)[2]
    for n in range(1, syncs + 1):
        try:
            run(state, before, log, wanted, n)
            print("without fsync %d: nothing is found" % n)
        except Broken as e:
            print("without fsync %d: %s" % (n, e))
    return 0


sys.exit(main())
