# SPDX-License-Identifier: Apache-2.0
"""A disk that loses its power: what a folder may hold after a cut at any entry of a record that recorder.c has made.

What a file held, and which names a folder had, when it was last synced is there after the cut. Of what came later each change may have
reached the disk or not: bytes by sectors, sizes, names. A folder whose own name was lost is lost with all that is in it."""
import os

SECTOR = 512


class Entry:
    __slots__ = ("kind", "inode", "number", "bytes")

    def __init__(self, kind, inode, number, data):
        self.kind, self.inode, self.number, self.bytes = kind, inode, number, data


def read_record(path):
    with open(path, "rb") as file:
        data = file.read()
    entries, at = [], 0
    while at < len(data):
        end = data.index(b"\n", at)
        kind, inode, number, n_bytes = data[at:end].decode().split()
        at = end + 1 + int(n_bytes)
        entries.append(Entry(kind, int(inode), int(number), data[end + 1:at]))
    return entries


class File:
    """A file or a folder: what is on the disk, and the changes since."""

    def __init__(self, is_folder):
        self.is_folder = is_folder
        self.durable = {} if is_folder else bytearray()
        self.now = {} if is_folder else bytearray()
        self.pending = []

    def change(self, change):
        self.pending.append(change)
        apply(self.now, change)

    def sync(self):
        for change in self.pending:
            apply(self.durable, change)
        self.pending = []

    def after_cut(self, keeps):
        """With the pending changes, or parts of them, that `keeps` says."""
        state = self.durable.copy()
        for change in self.pending:
            for part in [change] if self.is_folder or change[0] == "size" else sectors(change):
                if keeps():
                    apply(state, part)
        return state


def sectors(change):
    _, at, data = change
    cuts = [0, *range(SECTOR - at % SECTOR, len(data), SECTOR), len(data)]
    return [("write", at + a, data[a:b]) for a, b in zip(cuts, cuts[1:])]


def apply(state, change):
    """Of a file: ("write", at, bytes), ("size", n); of a folder: [(name, file or None), ...], which is one change."""
    if isinstance(change, list):
        for name, file in change:
            if file is None:
                state.pop(name, None)
            else:
                state[name] = file
    elif change[0] == "size":
        del state[change[1]:]
        state.extend(bytes(change[1] - len(state)))
    else:
        _, at, data = change
        state.extend(bytes(max(0, at - len(state))))
        state[at:at + len(data)] = data


class Disk:
    """Feed it the entries of a record one by one; `image` at any time."""

    def __init__(self, folder, inode):
        self.folder = folder
        self.root = File(True)
        self.files = {inode: self.root}

    def place(self, path):
        """The folder of a path, and the last of its words."""
        words = path[len(self.folder) + 1:].split("/")
        folder = self.root
        for word in words[:-1]:
            folder = folder.now[word]
        return folder, words[-1]

    def feed(self, entry):
        file = self.files.get(entry.inode)
        if entry.kind in ("create", "folder"):
            folder, name = self.place(entry.bytes.decode())
            self.files[entry.inode] = File(entry.kind == "folder")
            folder.change([(name, self.files[entry.inode])])
        elif entry.kind == "write":
            file.change(("write", entry.number, entry.bytes))
        elif entry.kind == "size":
            file.change(("size", entry.number))
        elif entry.kind == "sync":
            file.sync()
        elif entry.kind == "remove":
            folder, name = self.place(entry.bytes.decode())
            folder.change([(name, None)])
        else:
            old, new = entry.bytes.decode().split("\0")
            (folder, name), (target, new_name) = self.place(old), self.place(new)
            if folder is target and entry.kind == "rename":
                folder.change([(new_name, folder.now[name]), (name, None)])
            else:
                target.change([(new_name, folder.now[name])])
                if entry.kind == "rename":
                    folder.change([(name, None)])

    def image(self, keeps):
        """Path to what it holds, None for folders; `keeps` is asked for each change that was not synced whether it reached the disk."""
        found, states = {}, {}

        def walk(folder, path):
            for name, file in sorted(folder.after_cut(keeps).items()):
                place = f"{path}/{name}"
                if file not in states:
                    states[file] = None if file.is_folder else bytes(file.after_cut(keeps))
                found[place] = states[file]
                if file.is_folder:
                    walk(file, place)

        walk(self.root, self.folder)
        return found


def write_image(image):
    for path, data in image.items():
        if data is None:
            os.mkdir(path, 0o700)
        else:
            with open(path, "wb") as file:
                file.write(data)
            os.chmod(path, 0o600)
