# What the kill-* cases share: xend is killed at each step of an operation.
#
# A step is a system call of xend that may change something outside of it; the
# first run of the operation lists them (killat), so none is chosen by hand.
# Each of them is then killed in turn, and xend started anew: the world is to
# be as it was before the operation or as it is after it, soon, and xend to go
# on from there.
#
# A case sets these, commands of one line each, and calls kill_at_steps:
#   op      the operation, on the domain t1
#   undo    what takes it back
#   works   what shows that t1 is well (before the operation, if it is there)
# KILLS says how many steps are tried (0: all); AFTER is set to kill after each,
# too.  UNDO is set if undo is needed even where the world is as before, and
# FILTER names what the world goes through.
. /t/lib.sh

# All that xend makes and changes, by name, without the id of t1.
world()
{
    _id=none
    xl list >/tmp/list
    {
        while read -r _name _domid _mem _vcpus _state _rest; do
            [ "$_name" != t1 ] || _id=$_domid
            echo "$_name ${_state#??}"
        done </tmp/list
        shape
        printf '%s\n' /sys/bus/xen-backend/devices/* /sys/class/net/* \
            /sys/class/net/*/brif/* /run/xend/* /run/xend/[!n]*/* \
            /run/xend/network/hosts/* /var/lib/xend/*
        echo "dnsmasq $(pidof dnsmasq | wc -w)"
        for _f in /sys/block/loop*/loop/backing_file; do
            read -r _name <"$_f" && echo "loop $_name"
        done 2>/dev/null
    } >/tmp/world
    sed "s,\(/domain\|/vbd\|/vif\|/console\)/$_id\(/\|$\),\1/ID\2,
        s,\(console\|vbd\|vif\)-$_id,\1-ID,; s,vif$_id\.,vifID.,g
        s,[0-9a-f]*-[0-9a-f]*-[0-9a-f]*-[0-9a-f]*-[0-9a-f]*,UUID," /tmp/world |
        ${FILTER:-cat}
}

# The world is that of /tmp/before or /tmp/after: $is.
is_one_of_both()
{
    world >/tmp/now
    for is in before after; do
        cmp -s /tmp/now /tmp/$is && return
    done
    return 1
}
is_before() { is_one_of_both && [ $is = before ]; }

# It stays as it is: $1 gets it.
take_world()
{
    world >"$1"
    _n=0
    while sleep 0.3; world >/tmp/now; ! cmp -s /tmp/now "$1"; do
        mv /tmp/now "$1"
        _n=$((_n + 1))
        [ $_n -lt 50 ] || fail "never the same: $(diff "$1" /tmp/now)"
    done
}

steps_of()
{
    sh -c "$undo" >/dev/null 2>&1
    take_world /tmp/before
    free=$(free_memory)
    killat "$(pidof xend)" 0 before sh -c "exec $op" >/tmp/steps 2>/tmp/out ||
        fail "$op: $(cat /tmp/out)"
    grep -v '^Parsing config' /tmp/out && fail "it says something"
    take_world /tmp/after
    cmp -s /tmp/before /tmp/after && fail "nothing is changed"
    go_back
}

# From the world after to the one before, and all is well.
go_back()
{
    sh -c "$undo" >/tmp/out 2>&1 || fail "$where: $undo: $(cat /tmp/out)"
    wait_for 30 is_before || fail "$where, undone: $(diff /tmp/before /tmp/now)"
}

check_well()
{
    sh -c "$works" >/tmp/out 2>&1 || fail "$where: $works: $(cat /tmp/out)"
    wait_for 10 free_is_about "$free" 1 ||
        fail "$where: free $free, now $(free_memory)"
}

# The numbers of the steps to be killed at: $KILLS of them, half of these the
# first of their kind; 0: all.
choose_steps()
{
    awk -v kills="$KILLS" '
        !seen[$0]++ { first[n++] = NR }
        END {
            for (i = 0; kills && i < kills / 2; i++) {
                print first[int(i * n / (kills / 2))]
                print 1 + int((i + 0.5) * NR / (kills / 2))
            }
            for (i = 1; !kills && i <= NR; i++)
                print i
        }' /tmp/steps | sort -n | uniq
}

kill_at()
{
    where="$1 step $2"
    tried=$((tried + 1))
    killat "$(pidof xend)" "$2" "$1" sh -c "exec $op" >/tmp/step 2>/tmp/out
    _rc=$?
    where="$where ($(cat /tmp/step))"
    case $_rc in
    0) /etc/toolstack || fail "$where: no xend"; killed=$((killed + 1)) ;;
    3) : ;;                         # it was quicker this time
    *) fail "$where: $op: $(cat /tmp/out)" ;;
    esac
    wait_for 40 is_one_of_both ||
        fail "$where: $(diff /tmp/before /tmp/now; diff /tmp/after /tmp/now)"
    [ $is = before ] && [ -z "$UNDO" ] || go_back
    check_well
}

kill_at_steps()
{
    where="first" tried=0 killed=0
    steps_of
    for _s in $(choose_steps); do
        kill_at before "$_s"
        [ -z "$AFTER" ] || kill_at after "$_s"
    done
    # From run to run their number differs by a tenth, not by half.
    [ $killed -gt 0 ] && [ $((2 * killed)) -ge $tried ] ||
        fail "$op: killed at $killed steps only, of $tried"
    echo "$(wc -l </tmp/steps) steps, killed at $killed of $tried"
}
