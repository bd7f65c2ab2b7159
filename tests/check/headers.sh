#!/bin/sh
# Every header compiles alone.
top=${top_srcdir:-$(dirname "$0")/../..}
cd "$top" || exit 1
cc=${CC:-gcc}
failed=0 checked=0
asm=${top_builddir:+-I$top_builddir/hypervisor}

for h in $(find hypervisor libxc xend xl -name '*.h' 2>/dev/null | sort); do
    # Made from the sources, or for the assembler alone.
    case $h in
    hypervisor/asm_offsets.h | hypervisor/*/asm.h | hypervisor/*/asm_*.h) continue ;;
    hypervisor/*) flags="-ffreestanding -Ihypervisor $asm" ;;
    xend/*) flags="-Ixend -Ilibxc $(pkg-config --cflags json-c libsystemd)" ;;
    *) flags="-I$(dirname "$h") $(pkg-config --cflags json-c)" ;;
    esac
    checked=$((checked + 1))
    # shellcheck disable=SC2086
    printf '#include "%s"\n' "$(basename "$h")" |
        $cc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only $flags \
            -iquote "$(dirname "$h")" -x c - || {
        echo "$h: does not compile alone"
        failed=$((failed + 1))
    }
done
echo "headers: $checked compiled alone, $failed failed"
[ "$failed" -eq 0 ]
