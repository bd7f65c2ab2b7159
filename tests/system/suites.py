"""Which machines are booted, and which cases each of them runs."""


class Boot:
    """One machine.  Hypervisor and tools: "zazen" or "xen" (Debian's 4.17)."""

    def __init__(self, claim, cases=(), hypervisor="zazen", tools="zazen",
                 cpu="Nehalem", smp=2, mem=2048, append="",
                 hv_append="dom0_mem=768M", limit=120, end="power-off",
                 disk=None, bus="virtio", disks=(), machine="pc", uefi=False,
                 hardware=False, kernel="vmlinuz-zstd", extra=(), said=None,
                 alone=False, isolated=False, parallel=False):
        self.claim = claim
        self.cases = list(cases)
        self.hypervisor = hypervisor
        self.tools = tools
        self.cpu = cpu
        self.smp = smp
        self.mem = mem
        self.append = append
        self.hv_append = hv_append
        self.limit = limit
        self.end = end
        self.said = said        # a pattern: what the console says then
        self.disk = disk        # GRUB starts the hypervisor from there
        self.bus = bus
        self.disks = disks      # more disks; names as that one's
        self.machine = machine
        self.uefi = uefi
        self.hardware = hardware        # the devices of hardware.py
        self.extra = extra      # QEMU's; {image}: the folder of images
        self.kernel = kernel    # Debian's; as it comes, by xz, it boots slower
        self.alone = alone      # it measures: no other machine beside it
        # A thread of the emulator for each CPU, so that they really run at the
        # same time; with fewer CPUs here, they wait for each other long.
        self.parallel = parallel
        # Page tables apart as the CPU needs it, or nowhere: an emulator takes
        # 1.7 times as long for it.
        self.isolated = isolated


class Stop:
    """A machine that stops at its start with a line on its console."""

    cases = ()
    alone = parallel = False

    def __init__(self, claim, line, kernel=None, damage=None, hv_append="",
                 screen=False):
        self.claim = claim
        self.line = line        # a regular expression
        self.kernel = kernel
        self.damage = damage    # (from, to, bytes): replace that of the kernel
        self.hv_append = hv_append
        self.screen = screen    # the line is to be on the screen


# Four guests, started once; a case starts those that it misses.
GUESTS = ["create-four", "consoles", "pause", "vcpu-set", "list-format",
          "reboot", "shutdown", "mem-set", "destroy"]
# What needs xend and our xl beyond words that both tools have.
OURS = ["bad-kernel", "bad-config", "bad-daemon", "full-var", "on-actions",
        "sysrq", "trigger", "config-update"]
HOSTILE = ["crash-tiny", "panic", "spin", "random-calls"]
DISKS = ["disk-write", "disk-three", "disk-script", "disk-destroy", "disk-bad",
         "quota", "reconnect", "liar-disk"]
NET = ["net", "net-nat", "net-attach", "net-destroy", "net-bridge",
       "net-script", "top", "liar-net"]
KILL = ["kill-idle", "kill-store-loop", "kill-create", "kill-destroy",
        "kill-disk", "kill-net"]
SAVE = ["save", "save-keep", "save-bad", "kill-save", "dump-core"]
SAVE_DEVICES = ["save-disk"]
HARDWARE = ["dom0", "hardware-pci", "hardware-disks", "hardware-net",
            "hardware-usb", "hardware-irq"]

SYSTEM = [
    Boot("dom0 boots on qemu64, 1 CPU", ["dom0"], cpu="qemu64", smp=1,
         end="reboot", kernel="vmlinuz"),
    Boot("dom0 boots on qemu64, 2 CPUs", ["dom0"], cpu="qemu64",
         end="reboot by a key on the serial line",
         said=r"(?s)d0: .* v1: CPU .*key 'R': .*Restarts, by a key"),
    Boot("dom0 boots on Nehalem,+smep, 2 CPUs, which guests share",
         ["dom0", "weights", "spin"], cpu="Nehalem,+smep", isolated=True,
         alone=True, parallel=True),
    Boot("dom0 boots on Nehalem, 4 CPUs", ["dom0"], smp=4, limit=180,
         isolated=True, parallel=True),
    Boot("dom0 boots on max,-smap, 2 CPUs", ["dom0", "create-one"],
         cpu="max,-smap", end="reboot by a key", isolated=True),
    Boot("the tools run", ["dom0", "info", "help", "leak-tiny", "leak-debian",
         "crash-tiny", "panic", "random-calls"] + OURS + GUESTS),
    Boot("xend is killed", ["dom0"] + KILL),
    Boot("domains are saved", ["dom0", "vectors"] + SAVE + SAVE_DEVICES,
         cpu="max,-smap"),
    Boot("dom0 has devices on i440fx", HARDWARE, hardware=True),
    Boot("dom0 has devices on q35, and all memory, above 4 GiB, too", HARDWARE,
         machine="q35", mem=5120, hv_append="", hardware=True),
    Boot("disks", ["dom0"] + DISKS),
    Boot("devices come and go", ["attach"]),
    Boot("networks", ["dom0"] + NET),
]

STOPS = [
    Stop("no kernel for dom0", "No module for dom0's kernel"),
    Stop("no kernel, said on the screen", "No module for dom0's kernel",
         hv_append="noreboot console=vga", screen=True),
    Stop("a text file as dom0's kernel", "dom0's kernel is no 64-bit x86 ELF",
         kernel="dom0.cpio"),
    Stop("a guest's kernel as dom0's", "dom0's kernel .* neither xz nor zstd",
         kernel="vmlinuz-cloud"),
    Stop("half of dom0's kernel", "dom0's kernel is truncated",
         kernel="vmlinuz", damage=(4000000, None, b"")),
    Stop("a damaged kernel, xz", "dom0's kernel does not unpack",
         kernel="vmlinuz", damage=(5000000, 5000004, b"\0\0\0\0")),
    Stop("a damaged kernel, zstd", "dom0's kernel does not unpack",
         kernel="vmlinuz-zstd", damage=(9000000, 9000004, b"\0\0\0\0")),
    Stop("too little memory for dom0", "dom0_mem is too small",
         kernel="vmlinuz", hv_append="dom0_mem=32M"),
]

# A network card to the outside, where one host serves HTTP and nothing else is.
OUTSIDE = ("-netdev", "user,id=out,restrict=on,guestfwd=tcp:10.0.2.100:80-"
           "cmd:{image}/outside/busybox httpd -i -h {image}/outside",
           "-device", "virtio-net-pci,netdev=out")
GUEST = ["guest-firmware", "guest-login", "guest-apt", "guest-disk",
         "guest-shutdown"]

# Debian with systemd: as dom0, from a disk, and as a guest.
DEBIAN = [
    Boot("GRUB starts zazen and a Debian dom0 with systemd",
         ["systemd", "systemd-xend", "auto-save", "@reboot",
          "auto-restore"], disk="debian.img", limit=180,
         end="orderly power-off", said="(?s)g3: shutting down.*"
         "g2: shutting down.*g1: shutting down"),
    Boot("GRUB on UEFI starts zazen and a Debian dom0 with systemd",
         ["systemd", "uefi", "update-grub"], disk="debian.img", bus="ahci",
         machine="q35", uefi=True, limit=240, end="orderly power-off"),
    Boot("a Debian guest with systemd", GUEST, cpu="max,-smap",
         disks=("guest.img",), extra=OUTSIDE),
]

INTEROP = [
    Boot("Debian's xl on zazen", ["dom0", "info", "create-four", "list-format",
         "pause", "destroy", "leak-few"], tools="xen"),
    Boot("our tools on Debian's Xen", ["dom0", "info", "list-format", "pause",
         "destroy", "leak-few", "disk-three", "net-few"], hypervisor="xen"),
]

# The cases themselves, with both halves of Debian's: do they test rightly?
PARTNER = [
    Boot("Debian's xl on Debian's Xen", ["dom0", "info", "help", "leak-few",
         "weights"] + HOSTILE + GUESTS, hypervisor="xen", tools="xen"),
]

LONG = [
    Boot(f"dom0 boots on {cpu}, {smp} CPUs", ["dom0", "create-one"], cpu=cpu,
         smp=smp, limit=240, isolated=True, parallel=True)
    for cpu in ("qemu64", "Nehalem", "Nehalem,+smep", "max,-smap")
    for smp in (1, 2, 4)
] + [
    Boot("much data by network and disk", ["net-long", "disk-write-long"],
         mem=7168, hv_append="dom0_mem=5632M"),
    Boot("the tools run, three times",
         (OURS + ["leak-tiny"] + HOSTILE + GUESTS) * 3, isolated=True,
         parallel=True),
    Boot("devices come and go often",
         ["attach-long"] + ["disk-destroy", "net-destroy"] * 5, mem=3072),
    Boot("xend is killed at every step",
         ["kill-create-long", "kill-destroy-long", "kill-disk-long",
          "kill-net-long"], mem=3072),
    Boot("xend is killed at more steps",
         ["kill-hostnet-long", "kill-destroy-busy-long",
          "kill-net-detach-long"], mem=3072),
    Boot("domains are saved on Debian's Xen", ["save-few"], hypervisor="xen"),
    Boot("domains are saved often", ["save-long", "save-load"],
         cpu="max,-smap"),
]

SUITES = {"system": STOPS + SYSTEM, "debian": DEBIAN, "interop": INTEROP,
          "partner": PARTNER, "long": LONG}
