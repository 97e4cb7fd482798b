#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the daemon, of shepherds, of steps, or of all of them at random instants while 50 jobs run.

  kill.py SEED KILLS

Whatever is hit, each job ends in one true final state, no job runs twice, LOST is never said while a process of the job lives, nothing stays
behind, and the store is whole. Each job appends a line to a file of its own when it begins: more than one is a job that ran twice."""
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time

JOBS = 50
KILLS_OF_A_WAVE = 10
NAPS = ("0", "0.2", "0.6", "1.2", "2.5")
PATIENCE_S = 120

folder = os.environ["SF_QUEUE_DIR"]
sfbatch = os.environ["SFBATCH"]
problems = []


def complain(text):
    problems.append(text)
    print("FAILED:", text, flush=True)


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


# ---- processes ----


def carriers():
    """Token to the living processes that carry it, for jobs of this queue."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        words = read(f"/proc/{name}/environ").split(b"\0")
        token = [word for word in words if word.startswith(b"SF_ATTEMPT_TOKEN=")]
        ours = b"SF_QUEUE_DIR=" + folder.encode() in words
        stat = read(f"/proc/{name}/stat").rpartition(b")")[2].split()
        if token and ours and stat and stat[0] not in (b"Z", b"X"):
            found.setdefault(token[0].partition(b"=")[2].decode(), []).append(int(name))
    return found


def shepherd_of(job):
    """Its pid, if it has recorded itself and still lives."""
    attempt = f"{folder}/jobs/{job}/attempt-1"
    words = read(attempt + "/shepherd.json").decode().replace("}", ",").split('"pid":')
    pid = int(words[1].split(",")[0]) if len(words) == 2 else 0
    alive = pid and attempt.encode() in read(f"/proc/{pid}/cmdline").split(b"\0")
    return pid if alive else 0


def children(pid):
    return [int(word) for word in read(f"/proc/{pid}/task/{pid}/children").split()]


def daemon():
    words = read(folder + "/sfd.lock").decode().replace("}", ",").split('"pid":')
    return int(words[1].split(",")[0]) if len(words) == 2 else 0


def end(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


# ---- the store ----


def rows(query):
    for _ in range(100):
        try:
            store = sqlite3.connect(f"file:{folder}/store.db?mode=ro", uri=True, timeout=30)
            try:
                return store.execute(query).fetchall()
            finally:
                store.close()
        except sqlite3.OperationalError:  # not created yet, or the last one who had it open was killed
            time.sleep(0.02)
    raise SystemExit("the store cannot be read")


def jobs():
    """id to state, exit code, signal, token, exit code that its file asks for."""
    query = ("SELECT j.id, j.state, j.exit_code, j.exit_signal, a.token, j.element, j.attempt FROM job AS j"
             " LEFT JOIN attempt AS a ON a.job = j.id AND a.number = j.attempt")
    return {row[0]: row[1:] for row in rows(query)}


class Watcher(threading.Thread):
    """LOST is looked for all the time; once it is said, nothing of the job may live."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen = set()
        self.done = False

    def run(self):
        while not self.done:
            lost = {row[0]: row[1] for row in rows("SELECT a.job, a.token FROM attempt AS a WHERE a.state = 'LOST'")}
            new = set(lost) - self.seen
            living = carriers() if new else {}
            for job in new:
                if lost[job] in living:
                    complain(f"job {job} is LOST, and processes of it live: {living[lost[job]]}")
            self.seen |= new
            time.sleep(0.02)


# ---- a wave ----


class Wave:
    def __init__(self, chance, kills, watched):
        self.chance = chance
        self.kills = kills
        self.first = max(watched, default=0) + 1
        self.hit = {}  # job to what of it was killed: "shepherd", "step"

    def sfbatch(self, *words):
        done = subprocess.run([sfbatch, *words], capture_output=True, text=True)
        if done.returncode != 0:
            complain(f"sfbatch {' '.join(words)}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def live(self):
        return [job for job in range(self.first, self.first + JOBS) if shepherd_of(job)]

    def kill_shepherd(self, job):
        pid = shepherd_of(job)
        if pid:
            self.hit.setdefault(job, set()).add("shepherd")
            end(pid)

    def kill_step(self, job):
        below = children(shepherd_of(job) or 1)
        if shepherd_of(job) and below:
            self.hit.setdefault(job, set()).add("step")
            end(below[0])

    def strike(self):
        what = self.chance.choice(("daemon", "daemon", "shepherd", "shepherd", "step", "step", "all"))
        live = self.live()
        some = self.chance.sample(live, min(len(live), self.chance.choice((1, 1, 3))))
        if what in ("daemon", "all"):
            pid = daemon()
            if pid:
                end(pid)
        for job in live if what == "all" else some:
            if what in ("shepherd", "all"):
                self.kill_shepherd(job)
            if what in ("step", "all"):
                self.kill_step(job)
        return what

    def strikes(self):
        for _ in range(self.kills):
            time.sleep(self.chance.random() * 0.3)
            self.strike()

    def run(self, path):
        """The strikes begin while the jobs are submitted."""
        striker = threading.Thread(target=self.strikes)
        striker.start()
        ids = [int(word) for word in self.sfbatch("submit", path).split()]
        if len(ids) != JOBS or ids[0] != self.first:
            complain(f"submit printed {len(ids)} ids, wanted {JOBS} from {self.first}")
        until = time.time() + PATIENCE_S
        while striker.is_alive() or any(row[0] in ("PENDING", "STARTING", "RUNNING") for row in jobs().values()):
            self.sfbatch("list")  # who looks starts a daemon that was killed
            time.sleep(0.1)
            if time.time() > until:
                complain(f"jobs do not end: {[job for job, row in jobs().items() if row[0] in ('PENDING', 'STARTING', 'RUNNING')]}")
                break
        striker.join()

    def judge(self):
        for job, (state, code, number, _, element, attempt) in jobs().items():
            if job < self.first:
                continue
            asked = 7 if "code=7" in element else 0
            undisturbed = (state, code, number) == (("FAILED", 7, 0) if asked else ("COMPLETED", 0, 0))
            hit = self.hit.get(job, set())
            allowed = (undisturbed or ("step" in hit and (state, number) == ("FAILED", 9)) or ("shepherd" in hit and state == "LOST"))
            if not allowed:
                complain(f"job {job} ({element}), killed {sorted(hit) or 'not'}: {state}, exit {code}, signal {number}")
            runs = read(f"{folder}/jobs/{job}/runs").count(b"\n")
            if runs > 1 or (runs == 0 and not hit):
                complain(f"job {job} ({state}) began {runs} times")
            if attempt != 1:
                complain(f"job {job} has {attempt} attempts")


def check_rest():
    for i in range(50):
        left = carriers()
        if not left:
            break
        time.sleep(0.1)
    if left:
        complain(f"processes left behind: {left}")
    if rows("PRAGMA integrity_check") != [("ok",)]:
        complain("integrity_check of the store")
    wrong = rows("SELECT j.id FROM job AS j JOIN attempt AS a ON a.job = j.id WHERE a.state != j.state")
    if wrong:
        complain(f"jobs whose attempt says otherwise: {wrong}")


def main():
    seed, kills = int(sys.argv[1]), int(sys.argv[2])
    chance = random.Random(seed)
    path = os.path.join(os.path.dirname(folder), "job.cfg")
    naps = ", ".join(f'"{nap}"' for nap in NAPS)
    copies = JOBS // len(NAPS) // 2
    command = "echo $$ >>$SF_JOB_DIR/runs; sleep 60 & (sleep 60; true) & sleep $SF_MATRIX_NAP; exit $SF_MATRIX_CODE"
    with open(path, "w") as file:
        file.write(f'name = "victim"; matrix: {{ nap = [ {naps} ]; code = [ 0, 7 ]; copy = [ {", ".join(map(str, range(copies)))} ]; }};\n'
                   f'steps = ( {{ do = "command"; argv = [ "sh", "-c", "{command}" ]; }} );\n')
    watcher = None
    done = 0
    while done < kills and not problems:
        wave = Wave(chance, min(KILLS_OF_A_WAVE, kills - done), jobs() if done else {})
        if watcher is None:
            subprocess.run([sfbatch, "list"], check=True)
            watcher = Watcher()
            watcher.start()
        wave.run(path)
        wave.judge()
        done += wave.kills
    watcher.done = True
    watcher.join()
    check_rest()
    if problems:
        print(f"seed {seed}, after {done} of {kills} kills")
        for line in read(folder + "/sfd.log").decode().splitlines()[-20:]:
            print("  sfd.log:", line)
        raise SystemExit(1)
    print(f"{done} kills, {len(jobs())} jobs, {len(watcher.seen)} of them LOST")


main()
