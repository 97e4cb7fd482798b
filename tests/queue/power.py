#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Power cuts: what was told is still true, whatever of the writes that were not synced has reached the disk.

  power.py SEED CUTS LIVES

One run of a queue, from its creation on, is recorded (recorder.c), with all that it tells: ids, final states, holds. Then the disk is made as
it may be after a cut, at CUTS entries of the record (disk.py), and looked at; from LIVES of them the queue goes on, on another boot of the
machine, until its jobs have ended. SEED chooses entries and writes; SF_POWER_CUT=ENTRY looks at one alone."""
import fcntl
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import disk

work = os.environ["SF_POWER_DIR"]
sfbatch = os.environ["SFBATCH"]
root = work + "/disk"
folder = root + "/home/queue"
record = work + "/record"
boot_id = work + "/boot_id"
FINAL = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "LOST")
PATIENCE_S = 60
KEPT = (0, 0, 0.1, 0.5, 0.9, 1)  # of the writes that were not synced

JOB = """name = "%s"; %s
matrix: { nap = [ "0", "0.02", "0.2" ]; code = [ 0, 7 ]; copy = [ 1, 2 ]; };
steps = ( { do = "command"; argv = [ "sh", "-c", "echo ran $SF_JOB_ID >>$SF_SAID; sleep $SF_MATRIX_NAP; exit $SF_MATRIX_CODE" ]; } );
"""
RETRIES = 'retries = { max = 2; delay = "1s"; factor = 1; on = [ "lost" ]; };'


def environment():
    return dict(os.environ, SF_QUEUE_DIR=folder, SF_SAID=root + "/said", SF_RECORD_FOLDER=root, SF_RECORD_LOG=record, SF_RECORD_BOOT_ID=boot_id,
                LD_PRELOAD=os.environ["SF_RECORDER"])


def call(*words, codes=(0,)):
    done = subprocess.run([sfbatch, *words], capture_output=True, text=True, timeout=PATIENCE_S, env=environment())
    if done.returncode not in codes:
        raise SystemExit(f"FAILED: sfbatch {' '.join(words)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def jobs_told():
    """id to (state, exit), as list tells it; the exit is None until the job has ended."""
    return {job["id"]: (job["state"], job["exit"]) for job in json.loads(call("list", "--all", "--json"))}


def set_capacity():
    with open(folder + "/sfd.cfg", "w") as file:
        file.write("cores = 50;\n")


def end_daemon(number):
    """Ends sfd, and waits until it has gone."""
    try:
        with open(folder + "/sfd.lock") as file:
            pid = json.load(file)["pid"]
        os.kill(pid, number)
        while True:
            os.kill(pid, 0)
            time.sleep(0.01)
    except (OSError, ValueError):
        return


# ---- the run that is recorded ----


def say(text):
    """Into the record: from here on it has been told."""
    data = text.encode()
    with open(record, "ab", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(b"said 0 0 %d\n" % len(data) + data)


class Reader(threading.Thread):
    """Somebody who looks all the time, and believes what he reads."""

    def __init__(self):
        super().__init__(daemon=True)
        self.done = False
        self.told = {}

    def run(self):
        while not self.done:
            for job, (state, code) in jobs_told().items():
                if state in FINAL and self.told.get(job) != (state, code):
                    self.told[job] = (state, code)
                    say(f"ended {job} {state} {code}")
            time.sleep(0.02)


def submit(path, name, rules, *options):
    with open(path, "w") as file:
        file.write(JOB % (name, rules))
    with subprocess.Popen([sfbatch, "submit", *options, path], stdout=subprocess.PIPE, env=environment()) as child:
        ids = child.stdout.read().split()
        say(f"submitted {name} {b' '.join(ids).decode()}")
    if child.returncode != 0 or len(ids) != 12:
        raise SystemExit(f"FAILED: submit: exit {child.returncode}, {len(ids)} ids")
    return [int(word) for word in ids]


def make_record():
    os.makedirs(root)
    open(record, "w").close()
    with open(boot_id, "w") as file:
        file.write("first\n")
    call("list")
    set_capacity()
    reader = Reader()
    reader.start()
    path = work + "/job.cfg"
    held = submit(path, "held", "", "--hold")
    say("held " + " ".join(map(str, held)))
    submit(path, "plain", "")
    end_daemon(signal.SIGTERM)
    retried = submit(path, "retried", RETRIES)
    for job in held[:6]:
        say(f"asked {job}")
        call("release", str(job))
        say(f"released {job}")
    for job in (held[6], retried[-1]):
        say(f"asked {job}")
        call("cancel", str(job), codes=(0, 1, 2))
    end_daemon(signal.SIGKILL)
    say(f"asked {held[7]}")
    call("release", str(held[7]))
    say(f"released {held[7]}")
    until = time.time() + PATIENCE_S
    while any(state not in FINAL for job, (state, _) in jobs_told().items() if job not in held[8:]):
        if time.time() > until:
            raise SystemExit("FAILED: jobs do not end")
        time.sleep(0.02)
    time.sleep(0.1)
    reader.done = True
    reader.join()
    end_daemon(signal.SIGTERM)


# ---- what was told by an entry of the record ----


class Told:
    def __init__(self):
        self.names = {}  # id to name
        self.ended = {}  # id to (state, exit)
        self.held = {}  # id to bool; absent while it is being changed
        self.runs = {}  # id to how often a step has begun
        self.said = None  # inode of the steps' file

    def hear(self, entry):
        if entry.kind == "create" and entry.bytes.decode() == root + "/said":
            self.said = entry.inode
        if entry.kind != "said" and not (entry.kind == "write" and entry.inode == self.said):
            return
        what, *words = entry.bytes.decode().split()
        if what == "submitted":
            self.names.update({int(job): words[0] for job in words[1:]})
        elif what == "ended":
            self.ended[int(words[0])] = (words[1], int(words[2]))
        elif what == "ran":
            self.runs[int(words[0])] = self.runs.get(int(words[0]), 0) + 1
        for job in map(int, words if what in ("held", "released", "asked") else []):
            self.held.pop(job, None)
            if what != "asked":
                self.held[job] = what == "held"


# ---- after a cut ----


def read_store():
    """Whether it is whole, and id to name, state, exit code, held, attempt, element; without a store there are none."""
    if not os.path.exists(folder + "/store.db"):
        return True, {}
    store = sqlite3.connect(f"file:{folder}/store.db?mode=rw", uri=True, timeout=30)
    try:
        store.execute("PRAGMA synchronous = OFF")
        whole = store.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not store.execute("SELECT name FROM sqlite_master WHERE name = 'job'").fetchall():
            return whole, {}
        jobs = store.execute("SELECT id, name, state, exit_code, held, attempt, element FROM job").fetchall()
        return whole, {row[0]: row[1:] for row in jobs}
    finally:
        store.close()


def look(told):
    """What is wrong with the store as it was found, and its jobs."""
    whole, jobs = read_store()
    wrong = [] if whole else ["integrity_check"]
    for job, name in told.names.items():
        if job not in jobs or jobs[job][0] != name:
            wrong.append(f"job {job} was told, and is not there")
    for job, (state, code) in told.ended.items():
        if job in jobs and jobs[job][1] != state:
            wrong.append(f"job {job} was told to be {state} {code}, and is {jobs[job][1]}")
    for job, held in told.held.items():
        if job in jobs and jobs[job][1] == "PENDING" and jobs[job][3] != held:
            wrong.append(f"job {job} was told to be {'held' if held else 'released'}, and is not")
    for job, (_, state, _, _, attempt, element) in jobs.items():
        runs = told.runs.get(job, 0)
        if (state == "COMPLETED" or (state == "FAILED" and "code=7" in element)) and runs == 0:
            wrong.append(f"job {job} is {state}, and did not run")
        if runs > attempt:
            wrong.append(f"job {job} is in attempt {attempt}, and began {runs} times")
    return wrong, jobs


def live_on(told, before):
    """The queue goes on upon what was found."""
    with open(boot_id, "w") as file:
        file.write("second\n")
    for job, row in before.items():
        if row[1] == "PENDING" and row[3]:
            call("release", str(job))
    if before:
        call("wait", "--all", codes=range(256))
    after, runs = jobs_told(), dict(told.runs)
    if os.path.exists(root + "/said"):
        with open(root + "/said") as file:
            for job in [int(line.split()[1]) for line in file.read().splitlines()[sum(told.runs.values()):]]:
                runs[job] = runs.get(job, 0) + 1
    end_daemon(signal.SIGTERM)
    _, stored = read_store()
    wrong = [] if set(after) == set(before) else ["other jobs than before"]
    for job, (name, state, _, _, attempt, element) in before.items():
        attempts = stored[job][4]
        wanted = ("FAILED", 7) if "code=7" in element else ("COMPLETED", 0)
        found = after.get(job)
        live = state in ("STARTING", "RUNNING")
        lost = live and found == ("LOST", 11) and name != "retried"
        cancelled = found == ("CANCELLED", 9) and (live or state == "CANCELLED")
        if job in told.ended and found != told.ended[job]:
            wrong.append(f"job {job} was told to be {told.ended[job]}, and became {found}")
        if found != wanted and not lost and not cancelled:
            wrong.append(f"job {job} ({name} {element}) was {state}, and became {found}")
        if runs.get(job, 0) > attempts or (found == wanted and runs.get(job, 0) == 0) or attempts > attempt + 1:
            wrong.append(f"job {job} began {runs.get(job, 0)} times in {attempts} attempts, {attempt} before the cut")
    return wrong


def choose(chance, entries, n_cuts):
    """Half of the cuts anywhere, half just after something was told."""
    told = [i + 1 for i, entry in enumerate(entries) if entry.kind == "said"]
    some = min(n_cuts // 2, len(told))
    return sorted(chance.sample(told, some) + chance.sample(range(1, len(entries) + 1), min(n_cuts - some, len(entries))))


def image_of(model, said, seed, point):
    chance = random.Random(f"{seed}:{point}")
    kept = chance.choice(KEPT)
    image = model.image(lambda: chance.random() < kept)
    image.pop(root + "/said", None)
    shutil.rmtree(root)
    os.makedirs(root)
    disk.write_image(image)
    if os.path.isdir(folder):
        set_capacity()
    with open(root + "/said", "w") as file:
        file.write("before\n" * said)
    return kept


def check_record(model):
    """A disk that loses nothing holds what there is."""
    whole = model.image(lambda: True)
    for path, _, names in os.walk(root):
        for name in names:
            place = os.path.join(path, name)
            if name.endswith(("-shm", ".cfg", ".sock", ".log")):
                continue
            with open(place, "rb") as file:
                if whole.pop(place, None) != file.read():
                    raise SystemExit(f"FAILED: the record has not all of {place}")
    if any(path.startswith(folder) and data is not None and not path.endswith(("-shm", ".log", "job.cfg")) for path, data in whole.items()):
        raise SystemExit("FAILED: the record has files that are not there")


def main():
    seed, n_cuts, n_lives = map(int, sys.argv[1:4])
    make_record()
    os.rename(record, record + ".done")
    entries = disk.read_record(record + ".done")
    inode = os.stat(root).st_ino
    model = disk.Disk(root, inode)
    for entry in entries:
        if entry.kind != "said":
            model.feed(entry)
    check_record(model)
    chance = random.Random(seed)
    points = choose(chance, entries, n_cuts)
    lives = set(chance.sample(range(len(points)), min(n_lives, len(points))))
    only = os.environ.get("SF_POWER_CUT")
    if only:
        points, lives = [int(only)], {0}
    model, told, at, failed = disk.Disk(root, inode), Told(), 0, 0
    for i, point in enumerate(points):
        while at < point:
            told.hear(entries[at])
            if entries[at].kind != "said":
                model.feed(entries[at])
            at += 1
        kept = image_of(model, sum(told.runs.values()), seed, point)
        wrong, jobs = look(told)
        if i in lives and not wrong:
            wrong = live_on(told, jobs)
        for text in wrong:
            print(f"FAILED: cut at entry {point} of {len(entries)}, {kept:.0%} of what was not synced kept: {text}")
        failed += bool(wrong)
    print(f"seed {seed}: {len(points)} cuts of {len(entries)} entries, {len(lives)} lives, {failed} failed; "
          f"{sum(entry.kind == 'sync' for entry in entries)} syncs")
    raise SystemExit(failed > 0)


main()
