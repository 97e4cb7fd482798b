#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An installed Spatialflow, and plugins of every kind written, built and used outside the tree, in C and in C++.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
stage=$work/stage

run 0 make -C "$SF_BUILD_DIR" install DESTDIR="$stage"
pc=$(find "$stage" -name spatialflow.pc)
prefix=$(sed -n 's/^prefix=//p' "$pc")
root=$stage$prefix
# What make install would have written had configure been given this prefix.
sed "s,^prefix=.*,prefix=$root,; s,=$prefix,=$root," "$pc" >"$work/spatialflow.pc"
PKG_CONFIG_PATH=$work
LD_LIBRARY_PATH=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_PATH LD_LIBRARY_PATH
SF_DATA_DIR=$(pkg-config --variable=sfdatadir spatialflow)
SF_PLUGIN_PATH=$(pkg-config --variable=plugindir spatialflow)
export SF_DATA_DIR SF_PLUGIN_PATH
unset MAKEFLAGS MFLAGS MAKELEVEL CPPFLAGS CFLAGS CXXFLAGS LDFLAGS
sf=$root/bin/sf

run 0 "$sf" --version
for file in man/man1/sf.1 man/man1/sfbatch.1 man/man5/sfbatch-job.5 man/man8/sfd.8 bash-completion/completions/sfbatch \
  fish/vendor_completions.d/sf.fish zsh/site-functions/_sfbatch; do
  [ -s "$root/share/$file" ] || fail "share/$file is not installed"
done
run 0 "$sf" plugins --check

for kind in frontend pass optimizer backend dataset executor; do
  for language in c cxx; do
    option=
    [ $language = c ] || option=--cxx
    name=demo$language
    mkdir -p "$work/$name/$kind"
    cd "$work/$name/$kind" || exit 99
    run 0 "$sf" plugin new $kind $name $option
    run 4 "$sf" plugin new $kind $name $option
    has err "exists, wanted a folder without it"
    run 0 make
    [ -s "$work/err" ] && { fail "$kind $name: the compiler has something to say"; cat "$work/err"; }
    run 0 "$sf" plugins --check --plugin-path .
    run 0 "$sf" inspect $kind:$name --plugin-path .
    has out "$kind $name 1.0: "
    run 0 make clean
    [ -e sf-$kind-$name.so ] && fail "make clean left the plugin"
    run 0 make
  done
done

cd "$work/democ/dataset" || exit 99
run 2 env PKG_CONFIG_PATH=/nowhere PKG_CONFIG_LIBDIR=/nowhere make
has err "set PKG_CONFIG_PATH"

# Plugins in the hands of hosts outside the tree.
case ${SF_SANITIZERS:-no} in
  address) sanitize=-fsanitize=address,undefined ;;
  thread) sanitize=-fsanitize=thread ;;
  *) sanitize= ;;
esac
for host in executor model compile; do
  run 0 cc -std=c11 -D_GNU_SOURCE -Wall $sanitize $(pkg-config --cflags spatialflow) -o "$work/$host" \
    "$SF_SOURCE_DIR/tests/cli/${host}_host.c" $(pkg-config --libs spatialflow)
done
for name in democ democxx; do
  cd "$work/$name/executor" || exit 99
  run 0 "$work/executor" $name
  cd "$work/$name/backend" || exit 99
  run 0 "$work/model" $name
  sed "s/passes = (/passes = ( { pass = \"$name\"; },/" "$SF_DATA_DIR/etc/pipelines/o1.cfg" >"$work/$name.cfg"
  cd "$work/$name/pass" || exit 99
  run 0 "$work/compile" "$SF_DATA_DIR/etc/pipelines/o1.cfg" "$work/$name.cfg"
  cd "$work/$name" || exit 99
  echo 2 16 2 >mlp.$name
  run 0 "$sf" compile mlp.$name -o mlp.pef --pipeline "$work/$name.cfg" --optimizer $name --plugin-path frontend:pass:optimizer
  [ -s mlp.pef ] || fail "no mlp.pef"
  : >rows.$name
  run 0 "$sf" train mlp.pef --data rows.$name --epochs 1 --backend $name --plugin-path frontend:optimizer:dataset:backend
  has out "epoch 1/1"
  run 0 "$sf" train mlp.pef --data rows.$name --epochs 1 --checkpoint-dir ck --plugin-path frontend:optimizer:dataset:backend
  run 0 "$sf" eval mlp.pef --data rows.$name --checkpoint ck --plugin-path frontend:optimizer:dataset
  has out "accuracy"
done

# A job in the hands of the installed sfbatch: it finds sf beside itself.
cat >"$work/job.cfg" <<EOF
name = "installed";
model = "$SF_DATA_DIR/apps/logreg/model.cfg";
steps = ( { do = "compile"; }, { do = "run"; } );
EOF
run 0 env SF_QUEUE_DIR="$work/queue" SF_LIBEXEC_DIR="$(dirname "$(find "$root" -name sf-shepherd)")" "$root/bin/sfbatch" submit --wait "$work/job.cfg"
kill "$(sed 's/.*"pid":\([0-9]*\).*/\1/' "$work/queue/sfd.lock")"
[ -s "$work/queue/jobs/1/installed.pef" ] || fail "no PEF from the installed sfbatch"
for suite in basic nightly; do
  run 0 "$root/bin/sfbatch" regress --check "$SF_DATA_DIR/etc/regress/$suite.cfg"
done

# What the nightly units and the cron line start is there.
for file in lib/systemd/user/spatialflow-regress.service share/spatialflow/etc/cron/spatialflow-regress; do
  words=$(sed -n 's/.* \([^ ]* regress [^ ]*\).*/\1/p; s/^ExecStart=//p' "$root/$file" | tail -n 1)
  set -- $words
  run 0 "$stage$1" regress --check "$stage$3"
done
grep -q '^OnCalendar=' "$root/lib/systemd/user/spatialflow-regress.timer" || fail "the timer has no time"

# The plugin of docs/plugins.md.
mkdir "$work/census"
cd "$work/census" || exit 99
sed -n '/^```c$/,/^```$/{/^```/d;p}' "$SF_SOURCE_DIR/docs/plugins.md" >sf-pass-census.c
[ -s sf-pass-census.c ] || fail "docs/plugins.md shows no plugin"
run 0 cc -std=c11 -Wall -fPIC -fvisibility=hidden -shared -Wl,-z,defs $(pkg-config --cflags spatialflow) \
  -o sf-pass-census.so sf-pass-census.c $(pkg-config --libs spatialflow)
run 0 "$sf" plugins --check --plugin-path .
run 0 "$sf" inspect pass:census --plugin-path .

mkdir "$work/empty"
cd "$work/empty" || exit 99
run 2 "$sf" plugin new passs x
one_line
run 2 "$sf" plugin new pass Clip
has err "wanted up to 64 of a-z"
one_line
[ -z "$(ls)" ] || fail "a refused plugin new left files behind"
finish
