#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The executor slurm on a real Slurm of one node: ends of all kinds, a controller that goes away, an sfd that is killed around sbatch, the
# same job file here and there; with SF_KILLS, as in scripts/check --nightly, also kill.py, so many times.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/sfbatch_lib.sh"
. "$SF_SOURCE_DIR/tests/slurm/cluster.sh"
missing=$(cluster_missing)
[ -z "$missing" ] || { echo "$missing"; exit 77; }
[ "${SF_SANITIZERS:-no}" = no ] || { echo "too slow with sanitizers; tests/unit/executors has them"; exit 77; }
cd "$work" || exit 99
trap 'status=$?; end_daemons; cluster_stop "$work/slurm"; cd /; rm -rf "$work"; exit $status' EXIT
mkdir -m 700 queue bin
mkdir slurm
cluster_start "$work/slurm" 50 || exit 99
PATH=$work/bin:$PATH
export PATH
cat >queue/sfd.cfg <<'END'
executor = "slurm";
executors: { slurm: { partition = "main"; gres = "rdu_tile"; timeout = "5s"; }; };
END

# submit FILE [OPTION...]: sets id.
submit () {
  id=$("$sfbatch" submit "$@" 2>err) || { fail "submit $*:"; cat err; }
}

# ends ID "STATE exit" [REASON]: waits for it.
ends () {
  "$sfbatch" wait "$1" >out 2>err
  is_state "$1" "$2"
  [ -z "${3-}" ] || "$sfbatch" show "$1" | grep -q "^reason .*$3" || { fail "job $1: no reason '$3'"; "$sfbatch" show "$1"; }
}

# until_said ID TEXT: that list says so of the job, at most 15 s.
until_said () {
  n=0
  until "$sfbatch" list --all | grep "^ *$1 " | grep -q "$2"; do
    n=$((n + 1))
    [ $n -lt 150 ] || { fail "job $1: nothing says '$2':"; "$sfbatch" list --all; return; }
    sleep 0.1
  done
}

# token ID
token () {
  sed 's/.*"token":"\([^"]*\)".*/\1/' "queue/jobs/$1/attempt-1/plan.json"
}

# slurm_jobs ID: how many Slurm jobs there are or were for the job.
slurm_jobs () {
  squeue --me --states=all --noheader --format=%k | grep -cxF "$(token "$1")"
}

# slurm_id ID
slurm_id () {
  squeue --me --states=all --noheader --format='%i %k' | sed -n "s/ $(token "$1")\$//p"
}

once='echo $$ >>$SF_JOB_DIR/runs; '
nap='trap : TERM; sleep 60 & wait; sleep 0.5; echo told >>$SF_JOB_DIR/told; exit 3'

# ---- ends ----

job good "${once}echo out; echo \$SF_JOB_ID \$SF_RDU_TILES" | sed 's/^steps/resources = { tiles = 2; cores = 3; memory = "64M"; time_limit = "1m"; };\nsteps/' >good.cfg
job bad true 'exit 7' true >bad.cfg
job killed 'kill -9 $$' >killed.cfg
job slow "sleep 60 & sleep 60" | sed 's/^steps/resources = { time_limit = "1s"; };\nsteps/' >slow.cfg
printf 'name = "huge"; resources = { memory = "900T"; }; steps = ( { do = "command"; argv = [ "true" ]; } );\n' >huge.cfg
job nap "$nap" >nap.cfg
job plain "sleep 60" >plain.cfg
for name in good bad killed slow huge nap nap plain nap; do
  submit $name.cfg
done
ends 1 "COMPLETED 0"
run 0 "$sfbatch" logs 1
has out "1 0-1"
scontrol --oneliner show job "$(slurm_id 1)" >"$work/out"
has out "NumCPUs=3 "
has out "TimeLimit=00:03:00"
has out "gres:rdu_tile:2"
ends 2 "FAILED 7" "step 2 of 3"
ends 3 "FAILED 137" "signal 9"
ends 5 "FAILED 11" "could not be started: sbatch: "

# the step is told, and only by its shepherd
until_said 6 RUNNING
run 0 "$sfbatch" cancel 6
# Slurm's own limit is near; somebody else cancels; a shepherd that is killed says nothing
until_said 7 RUNNING
scancel --batch --signal=XCPU "$(slurm_id 7)"
until_said 8 RUNNING
scancel "$(slurm_id 8)"
until_said 9 RUNNING
kill -9 "$(sed 's/.*"pid":\([0-9]*\).*/\1/' queue/jobs/9/attempt-1/shepherd.json)"
ends 6 "CANCELLED 9" "cancelled on request during"
[ "$(cat queue/jobs/6/told 2>/dev/null)" = told ] || fail "job 6: the step was not told, or more than once"
ends 7 "TIMEOUT 8" "the time limit of the batch system was near"
ends 8 "CANCELLED 9" "cancelled by a signal"
ends 9 "LOST 11" "its shepherd was killed at step 1 of 1 (command); Slurm job .*: FAILED"
ends 4 "TIMEOUT 8" "the time limit of 1 s passed"
for id in 4 6 7 8 9; do
  no_carriers $id
done

# ---- waiting ----

job full 'sleep 60' | sed 's/^steps/resources = { cores = 50; };\nsteps/' >full.cfg
submit full.cfg
full=$id
until_said "$full" RUNNING
submit good.cfg
until_said "$id" "STARTING.*Slurm job [0-9]* waits for free resources"
run 0 "$sfbatch" cancel "$id"
ends "$id" "CANCELLED 9" "cancelled on request before its shepherd began"
submit good.cfg
until_said "$id" "STARTING.*Slurm job"
scancel "$(slurm_id "$id")"
ends "$id" "CANCELLED 9" "Slurm job [0-9]*: CANCELLED"
submit good.cfg
waiting=$id
"$sfbatch" submit --executor local bad.cfg >out
ends "$(cat out)" "FAILED 7"
[ "$(state "$waiting")" = "STARTING null" ] || fail "job $waiting does not wait"
run 0 "$sfbatch" cancel "$full"
ends "$waiting" "COMPLETED 0"

# ---- the same job file here and there: judged below ----

cp -r "$SF_SOURCE_DIR/apps/digits" digits
chmod -R u+w digits
cat >digits.cfg <<'END'
name  = "digits";
model = "digits/model.cfg";
data  = "digits/data";
steps = ( { do = "compile"; level = "o3"; arch = "sn10"; batch_size = 32; }, { do = "test"; },
  { do = "train"; epochs = 2; optimizer = { name = "adamw"; lr = 0.005; }; }, { do = "infer"; split = "test"; } );
resources = { tiles = 1; cores = 2; };
END
submit digits.cfg
there=$id
submit digits.cfg --executor local
here=$id

# ---- arrays, dependencies ----

printf 'name = "many"; array = "0-3"; steps = ( { do = "command"; argv = [ "sh", "-c", "exit $SF_ARRAY_INDEX" ]; } );\n' >many.cfg
submit many.cfg
first=$(echo "$id" | sed q)
for n in 0 1 2 3; do
  [ $n = 0 ] && wanted="COMPLETED 0" || wanted="FAILED $n"
  ends $((first + n)) "$wanted"
done
{ echo 'afterok = "many";'; cat good.cfg; } >after.cfg
submit after.cfg
ends "$id" "CANCELLED 9"

# ---- the controller goes away ----

job steps "${once}sleep 0.5" 'sleep 0.5' >steps.cfg
submit steps.cfg
goes_on=$id
until_said "$goes_on" RUNNING
end_daemon slurmctld slurm
ends "$goes_on" "COMPLETED 0" # its record says so
submit steps.cfg
until_said "$id" "STARTING.*waits for slurm: .*[Uu]nable to contact slurm controller"
submit steps.cfg
controller_start "$work/slurm"
ends $((id - 1)) "COMPLETED 0"
ends "$id" "COMPLETED 0"
[ "$(cat "queue/jobs/$id/runs" | wc -l)" -eq 1 ] || fail "job $id ran twice"

# ---- sfd is killed around sbatch ----

real=$(command -v sbatch)
for when in before after; do
  cat >bin/sbatch <<END
#!/bin/sh
rm "\$0"
[ $when = before ] && kill -9 $(sfd_pid "$work/queue") && sleep 1
$real "\$@"
[ $when = after ] && kill -9 $(sfd_pid "$work/queue")
END
  chmod +x bin/sbatch
  submit steps.cfg
  ends "$id" "COMPLETED 0"
  [ "$(slurm_jobs "$id")" -eq 1 ] || fail "killed $when sbatch: job $id was submitted $(slurm_jobs "$id") times"
  [ "$(cat "queue/jobs/$id/runs" | wc -l)" -eq 1 ] || fail "killed $when sbatch: job $id ran twice"
done

# ---- the same predictions and metrics ----

ends "$there" "COMPLETED 0"
ends "$here" "COMPLETED 0"
cmp "queue/jobs/$there/predictions.csv" "queue/jobs/$here/predictions.csv" || fail "predictions differ"
for job in $there $here; do
  for step in 2 3 4; do
    sed 's/[0-9.]* m\{0,1\}s\b//g; s/[0-9.]* rows\/s//g' "queue/jobs/$job/attempt-1/step-$step.log" | grep -i -e loss -e accuracy -e nmse
  done | sed "s|jobs/$job/||g" >metrics-$job
done
[ -s "metrics-$there" ] && cmp "metrics-$there" "metrics-$here" || { fail "metrics differ:"; diff "metrics-$there" "metrics-$here"; }

# ---- kill -9 ----

[ "$failures" -eq 0 ] || { tail -n 20 queue/sfd.log; finish; }
if [ -n "${SF_KILLS-}${SF_NIGHTLY-}" ]; then
  end_daemons
  rm -rf queue/store.db* queue/jobs
  SFBATCH=$sfbatch PYTHONDONTWRITEBYTECODE=1 python3 "$SF_SOURCE_DIR/tests/queue/kill.py" "${SF_KILL_SEED:-1}" "${SF_KILLS:-10}" || fail "kill.py"
fi
finish
