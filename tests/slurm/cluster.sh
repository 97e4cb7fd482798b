# SPDX-License-Identifier: Apache-2.0
# A Slurm of one node on loopback, in a folder of its own, without systemd, munge, cgroups or a database; to be sourced. Wants root.

# cluster_missing: why there can be none here; nothing when there can.
cluster_missing () {
  for program in slurmctld slurmd sbatch squeue scancel scontrol sinfo; do
    PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || { echo "$program is not here (Debian: slurm-wlm)"; return; }
  done
  [ "$(id -u)" = 0 ] || echo "only root can run slurmd for several users"
}

# cluster_config FOLDER CPUS: slurm.conf there; as many CPUs as are said, whatever the machine has. Ports are this process' own. AuthType auth/none is for loopback only.
cluster_config () {
  host=$(hostname -s)
  port=$((20000 + $$ % 20000))
  memory=$(awk '/^MemTotal:/ { print int ($2 / 1024) }' /proc/meminfo)
  mkdir -p "$1/state" "$1/spool"
  cat >"$1/slurm.conf" <<CONF
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 20000))
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
StateSaveLocation=$1/state
SlurmdSpoolDir=$1/spool
SlurmctldPidFile=$1/slurmctld.pid
SlurmdPidFile=$1/slurmd.pid
SlurmctldLogFile=$1/slurmctld.log
SlurmdLogFile=$1/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1,bf_interval=1
ReturnToService=2
MinJobAge=300
MessageTimeout=5
KillWait=2
SlurmdParameters=config_overrides
GresTypes=rdu_tile
NodeName=$host NodeAddr=127.0.0.1 CPUs=$2 Boards=1 SocketsPerBoard=1 CoresPerSocket=$2 ThreadsPerCore=1 RealMemory=$memory Gres=rdu_tile:4 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
  echo "Name=rdu_tile Count=4" >"$1/gres.conf"
  SLURM_CONF=$1/slurm.conf
  export SLURM_CONF
}

controller_start () {
  PATH=$PATH:/usr/sbin slurmctld ${2:-} -f "$1/slurm.conf" 2>>"$1/slurmctld.err"
}

# end_daemon NAME FOLDER: waits until it has ended.
end_daemon () {
  pid=$(cat "$2/$1.pid" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null
  n=0
  while kill -0 "$pid" 2>/dev/null && [ $n -lt 200 ]; do
    n=$((n + 1))
    sleep 0.05
  done
}

# cluster_start FOLDER CPUS: false with words when the node does not come up.
cluster_start () {
  cluster_config "$1" "$2"
  controller_start "$1" -c
  PATH=$PATH:/usr/sbin slurmd -f "$1/slurm.conf" -N "$(hostname -s)" 2>>"$1/slurmd.err"
  n=0
  until [ "$(sinfo -h -o %T 2>/dev/null | sort -u)" = idle ]; do
    n=$((n + 1))
    [ $n -lt 100 ] || { echo "the node does not become idle:"; tail -n 20 "$1"/*.err "$1"/*.log; return 1; }
    sleep 0.1
  done
}

# cluster_stop FOLDER: its jobs and daemons, and whoever of them still has something to tell a controller that has gone.
cluster_stop () {
  timeout 5 scancel --quiet --full --signal=KILL --user="$(id -un)" 2>/dev/null
  end_daemon slurmd "$1"
  end_daemon slurmctld "$1"
  for process in /proc/[0-9]*; do
    case $(cat "$process/comm" 2>/dev/null) in
      slurm*) [ "$(readlink "$process/cwd")" != "$1" ] || kill -9 "${process#/proc/}" ;;
    esac
  done
}
