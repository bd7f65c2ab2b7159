#!/bin/sh
# Files that the documents name exist, and `file: function` is in that file; the
# hypervisor's options are those of docs/boot.md.
top=${top_srcdir:-$(dirname "$0")/../..}
cd "$top" || exit 1
rc=0 n=0
list=$(mktemp) || exit 1
trap 'rm -f "$list" "$list.names"' EXIT
find hypervisor libxc xend xl etc tests docs -type f >"$list"

for doc in README.md docs/*.md; do
    # What stands between backquotes, also over the end of a line.
    tr '\n' ' ' <"$doc" | grep -o '`[^`]*`' | tr -d '`' |
        grep -E '^[A-Za-z0-9_./-]+\.(c|h|S|sh)(: [a-z0-9_]+)?$' |
        sort -u >"$list.names"
    while IFS= read -r name; do
        n=$((n + 1))
        file=${name%%:*}
        hits=$(grep -E "(^|/)$file\$" "$list")
        if [ -z "$hits" ]; then
            echo "$doc: no file $file"
            rc=1
        elif [ "$file" != "$name" ]; then
            # shellcheck disable=SC2086
            grep -qwE "${name#*: }" $hits || {
                echo "$doc: no ${name#*: } in $file"
                rc=1
            }
        fi
    done <"$list.names"
done
# Each option of the hypervisor has its row.
for o in $(sed -n 's/^    { "\([a-z0-9_]*\)", OPT_.*/\1/p' \
        hypervisor/boot/options.c); do
    n=$((n + 1))
    grep -qE "^\| \`$o(=[^\`]*)?\` \|" docs/boot.md || {
        echo "docs/boot.md: no option $o"
        rc=1
    }
done
echo "docs: $n names of files, functions and options"
[ "$n" -gt 0 ] || rc=1
exit $rc
