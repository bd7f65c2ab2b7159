# What the cases share; sourced in dom0, whose shell is busybox's.

# NAME's console log, whichever tools keep it.
console_log()
{
    for f in /var/log/xend/$1.log /var/log/xen/console/guest-$1.log; do
        [ -e "$f" ] && break
    done
    echo "$f"
}

fail()
{
    echo "FAILED: $*"
    exit 1
}

# wait_for SECONDS COMMAND...: until the command succeeds.  $SCALE is how much
# slower than usual this machine is; $PAUSE, between tries, is longer where it
# would be a load.
wait_for()
{
    _end=$(($(date +%s) + $1 * ${SCALE:-1}))
    shift
    until "$@"; do
        [ "$(date +%s)" -lt "$_end" ] || return 1
        sleep "${PAUSE:-0.4}"
    done
}

# logged NAME PATTERN: NAME's console log has such a line.
logged() { grep -q "$2" "$(console_log "$1")" 2>/dev/null; }

# NAME has ended for good: its on_... preserves it, or it restarts too often.
kept() { xl --json list "$1" | grep -q '"state": *"ended"'; }

count() { grep -c "$2" "$(console_log "$1")"; }

# The number in the last heartbeat of NAME.
beat() { sed -n "s/^.*zz-beat $1 \([0-9]*\).*/\1/p" "$(console_log "$1")" | tail -n 1; }

# What the last heartbeat of NAME says of its field $2.
beat_field()
{
    sed -n "s/^.*zz-beat $1 .* $2=\([0-9]*\).*/\1/p" "$(console_log "$1")" |
        tail -n 1
}

beats_more() { [ "$(beat "$1")" -gt "$2" ]; }
listed() { xl list "$1" >/dev/null 2>&1; }
gone() { ! listed "$1"; }
column() { xl list "$1" 2>/dev/null | awk -v c="$2" 'NR == 2 { print $c }'; }
state() { column "$1" 5; }
free_memory() { xl info free_memory; }
free_is_about()
{
    _d=$(($(free_memory) - $1))
    [ "$_d" -le "${2:-1}" ] && [ "$_d" -ge "-${2:-1}" ]
}

# Start those of the named test guests that are not there, and wait for them.
need()
{
    for _g; do
        listed "$_g" || {
            rm -f "$(console_log "$_g")"
            xl create -q "/guest/$_g.cfg" || fail "cannot create $_g"
        }
    done
    for _g; do
        wait_for 120 logged "$_g" "zz-beat $_g" || fail "$_g is not up"
    done
}

# Start NAME, a guest that runs the script on standard input and ends; further
# words are settings.
run_guest()
{
    _n=$1
    shift
    mkdir -p /tmp/ramdisk
    cat >/tmp/ramdisk/test.sh
    cp /guest/initrd.gz "/tmp/$_n.gz"
    (cd /tmp/ramdisk && echo test.sh | cpio -o -H newc 2>/dev/null | gzip) \
        >>"/tmp/$_n.gz"
    rm -f "$(console_log "$_n")"
    xl create -q /guest/g1.cfg "name='$_n'" "ramdisk='/tmp/$_n.gz'" "$@" ||
        fail "cannot create $_n"
}

# What NAME has printed after a word.
said() { sed -n "s/^.*$2 //p" "$(console_log "$1")" | tr -d '\r' | tail -n 1; }

# What disks have left in the kernel and in the lists.
disk_remains()
{
    ls -d /sys/block/loop*/loop 2>/dev/null
    ls /sys/bus/xen-backend/devices | grep '^vbd'
    for _g in $(xl list | awk 'NR > 1 { print $2 }'); do
        xl block-list "$_g" | tail -n +2
    done
}
no_disk_remains() { [ -z "$(disk_remains)" ]; }
check_disk_remains()
{
    wait_for 20 no_disk_remains || fail "left: $(disk_remains)"
}

# Start the guest with a network that /guest/net.cfg describes, with further
# settings.
need_net()
{
    rm -f "$(console_log n1)"
    xl create -q /guest/net.cfg "$@" || fail "cannot create n1"
    wait_for 120 logged n1 "zz-net n1 [0-9]" || fail "n1 has no address"
}

# NAME's address, and this host's in its network.
address_of()
{
    sed -n "s/^.*zz-net $1 \([0-9.]*\).*/\1/p" "$(console_log "$1")" |
        tail -n 1
}
own_address() { ip -4 -o addr show dev "$1" | awk '{ print $4 }' | cut -d/ -f1; }

# Run commands in NAME, by the network; what they print.  $limit: seconds.
in_guest()
{
    timeout $((${limit:-30} * ${SCALE:-1})) wget -q -O - --post-data "$2" \
        "http://$(address_of "$1")/cgi-bin/run"
}

# Serve a file of $1 MiB on port 8080 of this host.
serve()
{
    mkdir -p /tmp/www
    dd if=/dev/urandom of=/tmp/www/data bs=1M count="$1" 2>/dev/null
    netstat -lnt | grep -q ':8080 ' || httpd -p 8080 -h /tmp/www
}

digest() { md5sum | cut -d' ' -f1; }

# In a Debian's root $1: systemd waits for machines that are slower than it thinks.
be_patient()
{
    mkdir -p "$1/etc/systemd/system.conf.d"
    printf '[Manager]\nDefault%s=900\nDefault%s=900\n' DeviceTimeoutSec \
        TimeoutStartSec >"$1/etc/systemd/system.conf.d/patient.conf"
}

# Until a Debian guest NAME has asked N times who logs in.
wait_login()
{
    asked() { [ "$(count "$1" ' login: ')" -ge "$2" ]; }
    PAUSE=3 wait_for 500 asked "$1" "$2" ||
        fail "$1: no login: $(tail -n 20 "$(console_log "$1")")"
}

# Log in on NAME's console; what is written to descriptor 7 is typed there.
log_in()
{
    _console=/tmp/console-$1
    rm -f "$_console.in" "$_console.out"
    mkfifo "$_console.in"
    xl console "$1" <"$_console.in" >"$_console.out" 2>&1 &
    exec 7>"$_console.in"
    echo >&7
    wait_for 60 grep -q 'login: ' "$_console.out" || fail "$1: no login"
    echo root >&7
    wait_for 60 grep -q '# ' "$_console.out" || fail "$1: no shell"
    echo "stty -echo; PS1=; bind 'set enable-bracketed-paste off'" >&7
    typed 30 true || fail "$1: its shell does nothing"
}

# typed SECONDS COMMAND...: run it in the shell of log_in; what it prints, and
# its exit code.
typed()
{
    _limit=$1 _id=$(wc -c <"$_console.out")     # another for each
    shift
    echo "echo zz-'begin'-$_id-; $*; echo zz-'end'-$_id-\$?-" >&7
    wait_for "$_limit" grep -q "zz-end-$_id-" "$_console.out" ||
        fail "not within $_limit s: $*: $(tail -n 20 "$_console.out")"
    tr -d '\r' <"$_console.out" |
        sed "1,/^.*zz-begin-$_id-\$/d; /zz-end-$_id-/,\$d"
    return "$(sed -n "s/^.*zz-end-$_id-\([0-9]*\)-.*/\1/p" "$_console.out")"
}

# The system of log_in has N vcpus, and all its services run.
all_runs()
{
    [ "$(typed 30 nproc)" = "$1" ] || fail "vcpus: $(typed 30 nproc)"
    _state=$(typed 300 systemctl is-system-running --wait)
    [ "$_state" = running ] ||
        fail "$_state: $(typed 30 systemctl --failed)"
}

# End the shell of log_in.
log_off()
{
    echo exit >&7
    exec 7>&-
    wait
}

# What guests have left in the kernel and the store.
remains()
{
    ls /sys/class/net | grep '^vif'
    ls /sys/bus/xen-backend/devices
    xl network-list 2>/dev/null | tail -n +2
}
no_remains() { [ -z "$(remains)" ]; }

# Destroy everything but dom0.
clean()
{
    for _g in $(xl list | awk 'NR > 1 && $2 != 0 { print $2 }'); do
        xl destroy "$_g"
    done
    wait_for 20 alone || fail "a guest is left"
}

alone() { [ "$(xl list | wc -l)" = 2 ]; }

# refused PATTERN COMMAND...: exit 1 and one clear line that has the pattern.
refused()
{
    _p=$1
    shift
    _out=$("$@" 2>&1)
    _rc=$?
    _out=$(printf '%s\n' "$_out" | grep -v '^Parsing config')
    [ $_rc -eq 1 ] || fail "$*: exit $_rc: $_out"
    [ "$(printf '%s\n' "$_out" | wc -l)" = 1 ] || fail "$*: not one line: $_out"
    printf '%s\n' "$_out" | grep -qiE "$_p" ||
        fail "$*: no '$_p' in: $_out"
}

# Shown when a case has failed.
if [ "$1" = state ]; then
    xl list
    tail -n 15 /var/log/xend.log 2>/dev/null
    for f in /var/log/xend/*.log /var/log/xen/console/guest-*.log; do
        [ -e "$f" ] && echo "--- $f" && tail -n 5 "$f"
    done
    xl debug-keys q
    echo "--- xl dmesg"
    xl dmesg | tail -n 40
    dmesg -c >/dev/null
    echo w >/proc/sysrq-trigger
    echo "--- dom0's tasks that wait"
    dmesg | tail -n 60
fi
