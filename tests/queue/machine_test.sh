#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cgroup_test.sh in a virtual machine without hardware support, as a user to whom a cgroup is delegated and as root: for machines whose memory
# is not counted by cgroup v2, or not for us. Runs with SF_NIGHTLY=yes; tests/queue/README.md says where a kernel comes from.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
[ "${SF_NIGHTLY:-no}" = yes ] || { echo "runs with SF_NIGHTLY=yes"; exit 77; }
[ "${SF_SANITIZERS:-no}" = no ] || { echo "too slow with sanitizers"; exit 77; }
qemu=${SF_QEMU:-qemu-system-x86_64}
busybox=${SF_BUSYBOX:-/bin/busybox}
kernel=${SF_VM_KERNEL:-$(ls /boot/vmlinuz-* 2>/dev/null | tail -n 1)}
command -v "${qemu%% *}" >/dev/null || { echo "$qemu is not here (Debian: qemu-system-x86)"; exit 77; }
[ -r "$kernel" ] || { echo "no kernel: set SF_VM_KERNEL (Debian: linux-image-cloud-amd64)"; exit 77; }
[ -x "$busybox" ] && ! ldd "$busybox" >/dev/null 2>&1 || { echo "no static busybox: set SF_BUSYBOX (Debian: busybox-static)"; exit 77; }

# ---- its root folder ----

root=$work/root
mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/tmp" "$root/etc" "$root/lib64" "$root/lib/x86_64-linux-gnu"
cp "$busybox" "$root/bin/busybox"
for name in $("$busybox" --list); do
  [ "$name" = busybox ] || ln -s busybox "$root/bin/$name"
done
printf 'root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\nuser:x:1000:\n' >"$root/etc/group"

# program PATH: from the build folder, itself rather than what libtool starts it by, with its libraries.
program () {
  mkdir -p "$root/build/${1%/*}"
  from=$SF_BUILD_DIR/${1%/*}/.libs/${1##*/}
  [ -x "$from" ] || from=$SF_BUILD_DIR/$1
  cp "$from" "$root/build/$1"
  LD_LIBRARY_PATH=$SF_BUILD_DIR/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} ldd "$from" | grep -o '/[^ ]*' | while read -r library; do
    case $library in
      */ld-linux*) cp -n "$library" "$root/lib64/" ;;
      *) cp -n "$library" "$root/lib/x86_64-linux-gnu/" ;;
    esac
  done
}
for name in tools/sfbatch/sfbatch tools/shepherd/sfd tools/shepherd/sf-shepherd tools/sf/sf plugins/sf-executor-local.so; do
  program $name
done
mkdir -p "$root/source/tests/cli" "$root/source/tests/queue"
cp "$SF_SOURCE_DIR/tests/cli/lib.sh" "$SF_SOURCE_DIR/tests/cli/sfbatch_lib.sh" "$root/source/tests/cli/"
cp "$SF_SOURCE_DIR/tests/queue/cgroup_test.sh" "$root/source/tests/queue/"

cat >"$root/init" <<'END'
#!/bin/sh
export PATH=/bin SF_SOURCE_DIR=/source SF_DATA_DIR=/source SF_BUILD_DIR=/build SF_PLUGIN_PATH=/build/plugins
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
chmod 1777 /tmp
groups=/sys/fs/cgroup
mount -t cgroup2 cgroup $groups
echo +memory >$groups/cgroup.subtree_control
mkdir $groups/user
echo +memory >$groups/user/cgroup.subtree_control
mkdir $groups/user/test
chown 1000:1000 $groups/user $groups/user/cgroup.procs $groups/user/cgroup.subtree_control $groups/user/test $groups/user/test/cgroup.procs
for who in user root; do
  echo "== $who, Linux $(uname -r)"
  test=$groups/$who/test
  [ -d $test ] || test=$groups
  sh -c 'echo $$ >$1/cgroup.procs; exec su -s /bin/sh -c "exec sh /source/tests/queue/cgroup_test.sh" $0' $who $test
  echo "== $who: exit $?"
  find $groups/user -mindepth 1 -type d
done
poweroff -f
END
chmod +x "$root/init"
(cd "$root" && find . | "$busybox" cpio -o -H newc 2>/dev/null) >"$work/initramfs"

# ---- it runs ----

timeout 1800 $qemu -accel tcg -m 1024 -display none -nodefaults -no-reboot -serial stdio -kernel "$kernel" -initrd "$work/initramfs" \
  -append "console=ttyS0 quiet panic=-1 no_timer_check" </dev/null 2>&1 | tr -d '\r' >"$work/console"
sed -n '/^== /,$p' "$work/console"
for who in user root; do
  grep -qx "== $who: exit 0" "$work/console" || fail "cgroup_test.sh as $who"
done
[ "$failures" -eq 0 ] || tail -n 30 "$work/console"
finish
