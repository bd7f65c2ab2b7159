# What the liar-* cases share: a front end that says what it likes.  The guest
# has no driver; what its end says in the store is written from here.
. /t/lib.sh

begin()
{
    clean
    rm -f "$(console_log tiny)"
    free=$(free_memory)
    xl create -q /guest/tiny.cfg 'extra="port"' || fail "create tiny"
    wait_for 20 logged tiny zz-port || fail "no port"
    port=$(said tiny zz-port)
    id=$(xl domid tiny)
}

# front KEY VALUE...: its end of $device.
front()
{
    while [ $# -ge 2 ]; do
        xenstore-write "/local/domain/$id/device/$device/$1" "$2"
        shift 2
    done
}

back_is() { [ "$(xenstore-read "/local/domain/0/backend/${device%/*}/$id/${device#*/}/state" 2>/dev/null)" = "$1" ]; }

# What a device has left, anywhere.
left()
{
    ls /sys/bus/xen-backend/devices | grep "^v"
    ls -d /sys/block/loop*/loop 2>/dev/null
    ls /sys/class/net | grep '^vif'
    xenstore-ls -f | grep -e "/domain/$id/\(device\|error\)/v" \
        -e "/backend/v.*/$id/"
}
nothing_left() { [ -z "$(left)" ]; }

# lie PATTERN KEY VALUE...: an attach ends with one line that has the pattern.
lie()
{
    _want=$1
    shift
    $attach >/tmp/lie 2>&1 &
    _xl=$!
    wait_for 20 back_is 2 || fail "dom0's end is not ready"
    front "$@"
    wait $_xl && fail "$*: taken"
    [ "$(wc -l </tmp/lie)" = 1 ] && grep -qE "$_want" /tmp/lie ||
        fail "$*: no '$_want' in: $(cat /tmp/lie)"
    wait_for 10 nothing_left || fail "$*: left: $(left)"
}

# A front end that connects and does not let go, but to force; and one that
# does in the end.
hold_on()
{
    $attach >/tmp/lie 2>&1 &
    _xl=$!
    wait_for 20 back_is 2 || fail "dom0's end is not ready"
    front "$@" && wait_for 20 back_is 4 || fail "not connected"
    front state 4
    wait $_xl || fail "$*: $(cat /tmp/lie)"
    refused "does not let go of it within 10 s.*force" $detach
    refused "as soon as the guest lets go" $detach
}

end()
{
    xl pause tiny && xl unpause tiny || fail "tiny is not well"
    xl destroy tiny || fail "destroy"
    wait_for 10 free_is_about "$free" 1 ||
        fail "free $free, now $(free_memory)"
}
