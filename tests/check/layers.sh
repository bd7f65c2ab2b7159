#!/bin/sh
# Who may include whom.  docs/architecture.md has the picture; this is the law.
#
# Hypervisor: a folder includes itself and folders of lower layers.  Folders of
# layer 4 include each other from .c files and private.h only, except
# domain/domain.h, which embeds every part.
top=${top_srcdir:-$(dirname "$0")/../..}
cd "$top" || exit 1

git_or_find() { find "$1" -name '*.[chS]' 2>/dev/null | sort; }

{
    for part in hypervisor libxc xend xl; do
        git_or_find "$part" | while read -r f; do
            sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*\([<"]\)\([^>"]*\).*/\1 \2/p' \
                "$f" | while read -r kind name; do
                printf '%s %s %s %s\n' "$part" "$f" "$kind" "$name"
            done
        done
    done
} | awk '
BEGIN {
    n = split("lib:1 x86:2 drivers:3 mm:4 sched:4 event:4 grant:4 domain:4 " \
              "pv:5 control:5 boot:6", a, " ")
    for (i = 1; i <= n; i++) {
        split(a[i], b, ":")
        layer[b[1]] = b[2]
    }
    # The freestanding headers of the compiler, and the payload decompressor.
    hv_ok = "^(std(arg|bool|def|int)\\.h|xen/.*|lzma\\.h|zstd\\.h)$"
}
function bad(why) {
    printf "%s: includes %s: %s\n", file, name, why
    failed++
}
{
    part = $1; file = $2; kind = $3; name = $4
    seen++
    if (part == "hypervisor")
        hypervisor()
    else if (part == "libxc") {
        if (kind == "\"" && name ~ /\// && name !~ /lib\/zazen_abi\.h$/)
            bad("libxc has no folders")
    } else if (part == "xend")
        xend()
    else if (name == "xc.h" || name ~ /^xen\// || name ~ /\//  && kind == "\"")
        bad("xl sends text and knows nothing else")
}
function hypervisor(    p, q, own, to, header) {
    split(file, p, "/")
    own = p[2]
    header = file ~ /\.h$/
    # Not part of a folder: the generator of offsets, the linker script.
    if (own == "asm_offsets.c" || own == "zazen.lds.S")
        return
    if (kind == "<") {
        if (name !~ hv_ok)
            bad("not a freestanding header")
        else if (name ~ /^xen\// && file !~ /\.S$/ &&
                 file !~ /^hypervisor\/lib\/(abi|zazen_abi)\.h$/)
            bad("the ABI comes by lib/abi.h")
        return
    }
    if (name == "asm_offsets.h")
        return
    if (name !~ /\//) {
        bad("write the full path")
        return
    }
    split(name, q, "/")
    to = q[1]
    if (!(to in layer)) {
        bad("no such folder")
        return
    }
    if (to == own)
        return
    if (name ~ /\/private\.h$/)
        bad("private.h is for its folder")
    else if (layer[to] > layer[own])
        bad("from layer " layer[own] " up to " layer[to])
    else if (layer[to] == layer[own]) {
        # The table of hypercalls names those of control.
        if (layer[own] == 5 && file != "hypervisor/pv/hypercall.c")
            bad("pv and control meet through tables")
        else if (layer[own] == 4 && header &&
                 file !~ /\/(domain\/domain|[a-z]+\/private)\.h$/)
            bad("a header of layer 4 may not include a neighbour")
    }
}
function xend(    p, own) {
    split(file, p, "/")
    own = p[3] == "" ? "" : p[2]
    if (name ~ /^xen\//) {
        # The rings and the wire protocol are public interfaces.
        if (name !~ /^xen\/io\// && name !~ /^xen\/xen\.h$/)
            bad("xend sees hypercalls through xc.h only")
    } else if (name == "xc.h") {
        if (own != "host" && own != "domain" && own != "migrate" &&
            own != "" && file !~ /^xend\/(store\/conn|console\/ring)/)
            bad("xc.h is for host/, domain/ and the guest rings")
    } else if (name ~ /^xl\//)
        bad("xend knows nothing of xl")
    if (own == "util" && kind == "\"" && name ~ /\// && name !~ /^util\//)
        bad("util/ is the lowest folder")
    if (own == "config" && kind == "\"" && name ~ /\// &&
        name !~ /^(util|config)\//)
        bad("config/ does no I/O and knows util/ alone")
}
END {
    printf "layers: %d includes checked, %d wrong\n", seen, failed
    exit failed > 0
}'
