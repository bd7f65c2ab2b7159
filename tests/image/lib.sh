# Shell functions of make-images: packages, folders, archives.
# Uses $here, $out and $cache of the caller.

xen_libraries="libxenmisc4.17 libxencall1 libxendevicemodel1 libxenevtchn1
    libxenforeignmemory1 libxengnttab1 libxenhypfs1 libxenstore4
    libxentoolcore1 libxentoollog1 libyajl2"
xen_packages="xen-hypervisor-4.17-amd64 xen-utils-4.17 xen-utils-common
    xenstore-utils $xen_libraries"

say() { printf '  IMAGE    %s\n' "$*"; }
die() { printf 'make-images: %s\n' "$*" >&2; exit 1; }

# True if file $1 is missing or older than one of the others.
stale()
{
    local target=$1 f
    shift
    [ -f "$target" ] || return 0
    for f; do
        [ "$f" -nt "$target" ] && return 0
    done
    return 1
}

# The package that Debian's kernel package $1 stands for, kept across runs so
# that a build needs the network once.
real_kernel()
{
    local note=$cache/$1.name

    if [ ! -s "$note" ]; then
        apt-cache depends "$1" | sed -n 's/^ *Depends: //p' | head -n 1 >"$note"
        [ -s "$note" ] || die "no package $1: try apt-get update"
    fi
    cat "$note"
}

kernel_version() { real_kernel "$1" | sed 's/^linux-image-//'; }

# Fetch the named packages that the cache has not got yet.
fetch()
{
    local p missing=

    for p; do
        compgen -G "$cache/${p}_*.deb" >/dev/null || missing="$missing $p"
    done
    [ -n "$missing" ] || return 0
    say "fetching$missing"
    # shellcheck disable=SC2086
    (cd "$cache" && apt-get -q -o APT::Sandbox::User=root download $missing) \
        >"$cache/fetch.log" 2>&1 ||
        { cat "$cache/fetch.log" >&2; die "cannot fetch:$missing"; }
}

fetch_all()
{
    fetch "$(real_kernel linux-image-amd64)" \
        "$(real_kernel linux-image-cloud-amd64)" busybox-static grub-xen-host
    if [ "$1" = partner ]; then
        # shellcheck disable=SC2086
        fetch $xen_packages
    fi
}

# Unpack the parts of package $1 that lie below $2; print the folder.
unpacked()
{
    local dir=$cache/unpacked/$1

    if [ ! -f "$dir/.done" ]; then
        rm -rf "$dir"
        mkdir -p "$dir"
        dpkg-deb --fsys-tarfile "$cache/${1}"_*.deb |
            tar -x -C "$dir" --wildcards "$2" 2>/dev/null ||
            die "$1 has no $2"
        touch "$dir/.done"
    fi
    printf '%s\n' "$dir"
}

kernel_image()
{
    local dir

    dir=$(unpacked "$(real_kernel "$1")" './boot/vmlinuz*')
    [ -f "$2" ] || cp "$dir"/boot/vmlinuz-* "$2"
}

# The modules of kernel package $1, with an index; print the root folder.
module_root()
{
    local pkg dir parts p

    pkg=$(real_kernel "$1")
    parts="block crypto fs lib net drivers/block drivers/xen
        drivers/net/veth.ko drivers/net/xen-net*"
    # The cloud's kernel has no others.
    [ "$1" != linux-image-amd64 ] || parts="$parts arch/x86/crypto drivers/ata
        drivers/hid drivers/input drivers/nvme drivers/ptp drivers/scsi
        drivers/usb drivers/virtio drivers/net/net_failover.ko
        drivers/net/virtio_net.ko drivers/net/ethernet/intel"
    dir=$cache/unpacked/modules-$pkg-$(echo "$parts" | cksum | cut -d' ' -f1)
    if [ ! -f "$dir/.done" ]; then
        rm -rf "$dir"
        mkdir -p "$dir"
        # Patterns, a line each: no word of the shell's.
        for p in $parts; do
            printf './lib/modules/*/kernel/%s\n' "$p"
        done >"$dir/patterns"
        dpkg-deb --fsys-tarfile "$cache/$pkg"_*.deb | tar -x -C "$dir" \
            --wildcards --no-wildcards-match-slash -T "$dir/patterns" ||
            die "cannot unpack $pkg's modules"
        "$(unpacked busybox-static ./bin)/bin/busybox" depmod -b "$dir" \
            "${pkg#linux-image-}"
        touch "$dir/.done"
    fi
    printf '%s\n' "$dir"
}

# Install modules $3... of kernel package $2, and those that they need, in
# root folder $1, where modprobe finds them.
add_modules()
{
    local root=$1 from kver name

    kver=$(kernel_version "$2")
    from=$(module_root "$2")/lib/modules/$kver

    shift 2
    mkdir -p "$root/lib/modules/$kver"
    for name; do
        grep "/$name\.ko:" "$from/modules.dep" || die "no module $name"
    done | tr -d : | xargs -n 1 | sort -u | while read -r name; do
        cp "$from/$name" "$root/lib/modules/$kver/"
    done
    "$root/bin/busybox" depmod -b "$root" "$kver"
    # Where the kernel looks for it.
    ln -sf ../bin/busybox "$root/sbin/modprobe"
}

# An empty root with busybox under all its names.
new_root()
{
    local box

    rm -rf "$1"
    mkdir -p "$1"/{bin,sbin,dev,proc,sys,run,tmp,etc,root,usr/bin,usr/sbin,usr/lib}
    mkdir -p "$1"/{var/lib,var/log,lib64,lib/x86_64-linux-gnu}
    ln -s /run "$1/var/run"
    box=$(unpacked busybox-static ./bin)/bin/busybox
    install -m 755 "$box" "$1/bin/busybox"
    "$box" --list | while read -r n; do
        [ "$n" = busybox ] || ln -s busybox "$1/bin/$n"
    done
    echo 'root:x:0:0:root:/root:/bin/sh' >"$1/etc/passwd"
    echo 'root:x:0:' >"$1/etc/group"
}

# Static helper programs $2... from this folder's sources into folder $1.
helper()
{
    local dir=$1 n

    shift
    for n; do
        "${CC:-gcc}" -std=gnu11 -Wall -Wextra -Os -static -s \
            -o "$dir/$n" "$here/$n.c" -lxenstore -lxentoolcore
    done
}

# The tiny PV kernel, an ELF of its own.
tiny_kernel()
{
    "${CC:-gcc}" -std=gnu11 -Wall -Wextra -Os -ffreestanding -fno-pic \
        -fno-stack-protector -fcf-protection=none -mcmodel=kernel \
        -mno-red-zone -mgeneral-regs-only -nostdlib -static -no-pie \
        -Wl,--build-id=none,-Ttext-segment=0xffffffff80000000 \
        -Wl,-z,noexecstack,-z,noseparate-code,--no-warn-rwx-segments -s \
        -Wl,-z,max-page-size=4096 -o "$1" "$here/tiny.c"
}

# Copy the shared libraries that programs $3... need; search folders $2 first.
add_libraries()
{
    local root=$1 path=$2 f

    shift 2
    mkdir -p "$root/lib/x86_64-linux-gnu" "$root/lib64"
    # A static program has none, which ldd takes for an error.
    { for f; do LD_LIBRARY_PATH=$path ldd "$f" || :; done; } 2>/dev/null |
        sed -n 's/^.*=> \(\/[^ ]*\) .*/\1/p' | sort -u |
        while read -r f; do
            cp -L "$f" "$root/lib/x86_64-linux-gnu/"
        done
    cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64/"
    # Loaded late, by pthread_cancel.
    cp -L /lib/x86_64-linux-gnu/libgcc_s.so.1 "$root/lib/x86_64-linux-gnu/"
}

# Folder $1 as an archive $2.  An emulator takes seconds to unpack a large one:
# only a name that ends in .gz is packed.
pack()
{
    (cd "$1" && find . -print0 | LC_ALL=C sort -z |
        cpio --quiet -0 -o -H newc --owner 0:0) |
        case $2 in *.gz) gzip -1 -n ;; *) cat ;; esac >"$2.new"
    mv "$2.new" "$2"
}
