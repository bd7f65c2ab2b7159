#!/bin/sh
# Limits of size and form: see the table of limits below.
top=${top_srcdir:-$(dirname "$0")/../..}
cd "$top" || exit 1
MAX_HYPERVISOR=15000        # lines of code, as cloc counts them
MAX_ASM=900                 # lines of assembler, comments not counted
rc=0

sources=$(find hypervisor libxc xend xl tests -name '*.[chS]' 2>/dev/null | sort)
# shellcheck disable=SC2086
awk '
# Functions are as style says: the brace that opens one stands in column 1,
# and so does the one that closes it.  Tables open on a line ending in "{".
BEGIN { MAX_FILE = 800; MAX_FUNCTION = 100; MAX_INCLUDES = 15; MAX_COLUMN = 80 }
function bad(why) { printf "%s:%d: %s\n", FILENAME, FNR, why; failed++ }
FNR == 1 { includes = 0; body = 0; files++ }
FNR == MAX_FILE + 1 { bad("more than " MAX_FILE " lines") }
length($0) > MAX_COLUMN { bad("more than " MAX_COLUMN " columns") }
/\t/ && FILENAME !~ /\.S$/ { bad("a tab") }
/[ \t]$/ { bad("blanks at the end") }
/^[ \t]*#[ \t]*include/ && FILENAME ~ /\.c$/ && ++includes == MAX_INCLUDES + 1 {
    bad("more than " MAX_INCLUDES " includes")
}
FILENAME ~ /\.S$/ { next }
/^\{/ { body = FNR }
body && /^[ \t]*#[ \t]*(if|ifdef|ifndef|elif)/ { bad("#if inside a function") }
/^\}/ {
    if (body && FNR - body - 1 > MAX_FUNCTION)
        bad("function of " FNR - body - 1 " lines")
    body = 0
}
END {
    printf "size: %d files, %d places over a limit\n", files, failed
    exit failed > 0
}' $sources || rc=1

asm=$(find hypervisor -name '*.S' ! -name '*.lds.S' -exec cat {} + 2>/dev/null |
    awk '/\/\*/ { c = 1 } !c && NF { n++ } /\*\// { c = 0 } END { print n + 0 }')
echo "size: $asm lines of assembler, limit $MAX_ASM"
[ "$asm" -lt "$MAX_ASM" ] || rc=1

if command -v cloc >/dev/null; then
    code=$(cloc --quiet --csv --include-lang='C,C/C++ Header,Assembly' \
        hypervisor | awk -F, '$2 == "SUM" { print $5 }')
    echo "size: ${code:-0} lines of hypervisor, limit $MAX_HYPERVISOR"
    [ "${code:-0}" -le "$MAX_HYPERVISOR" ] || rc=1
else
    echo "size: cloc not found; try: apt-get install cloc"
    rc=1
fi
exit $rc
