"""One emulated machine and its serial console.

Machine starts QEMU with a hypervisor, dom0's kernel and its initrd (or the
bare kernel), keeps everything the console printed, and waits for what a
caller expects, always with a time limit.
"""
import ctypes
import gzip
import io
import json
import os
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import tarfile
import tempfile
import threading
import time


def die_with_parent():
    """In the child: no emulator outlives the program that started it."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)      # PR_SET_PDEATHSIG


class Failure(Exception):
    """Something expected did not come; the text says what."""


class Options:
    """How to start a machine; every field has a usable default."""

    hypervisor = None           # multiboot ELF; None boots the bare kernel
    kernel = None
    initrd = None               # a file, or several: one behind another
    disk = None                 # boots this (GRUB) instead of all the above
    bus = "virtio"              # that the disk is at: see DISKS
    uefi = False                # firmware: OVMF, not SeaBIOS
    machine = "pc"              # or q35
    keep = False                # what is written to the disk stays
    reboots = False             # a reset starts it again, not ends it
    disks = ()                  # images of more disks; changes are dropped
    append = ""                 # dom0's command line
    hv_append = ""              # the hypervisor's command line
    cpu = "Nehalem"
    smp = 2
    mem = 2048                  # MiB
    parallel = True             # a thread for each CPU, not one in all
    icount = False              # the instruction clock, one thread
    files = ()                  # (path in the image, bytes or file, mode);
                                # with a disk: a tar file on a second disk
    extra = ()                  # further arguments of QEMU
    keys = False                # somebody presses a key every second
    log = None                  # file that gets the console's text

    def __init__(self, **fields):
        for name, value in fields.items():
            if not hasattr(Options, name):
                raise TypeError(f"no such option: {name}")
            setattr(self, name, value)


# Devices that a disk (a drive of this name) needs, by the bus it is at.
DISKS = {
    "virtio": ["virtio-blk-pci,drive={0},serial={0}"],
    "ahci": ["ahci,id=ahci", "ide-hd,bus=ahci.0,drive={0},serial={0}"],
    "nvme": ["nvme,drive={0},serial={0}"],
}
OVMF = "/usr/share/OVMF"


def cpio(files):
    """A gzipped cpio archive (newc) with these (path, bytes, mode)."""
    out = bytearray()
    dirs = set()

    def entry(ino, path, mode, data):
        name = path.encode() + b"\0"
        fields = (ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
        out.extend(b"070701" + b"".join(b"%08x" % f for f in fields))
        out.extend(name)
        out.extend(b"\0" * (-len(out) % 4))
        out.extend(data)
        out.extend(b"\0" * (-len(out) % 4))

    number = 1
    for path, data, mode in files:
        path = path.lstrip("/")
        parts = path.split("/")
        for parent in ("/".join(parts[:n]) for n in range(1, len(parts))):
            if parent not in dirs:
                dirs.add(parent)
                entry(number, parent, stat.S_IFDIR | 0o755, b"")
                number += 1
        entry(number, path, stat.S_IFREG | mode, data)
        number += 1
    entry(0, "TRAILER!!!", 0, b"")
    return gzip.compress(bytes(out), 1)


class Machine:
    """A running QEMU."""

    def __init__(self, options):
        self.options = options
        self.text = ""          # all that the console printed
        self.seen = 0           # how far expect() has read in it
        self.ended = False
        self.sink = None        # gets the raw bytes, for a terminal
        self.serial = 0         # number of the last command of run()
        self.scratch = tempfile.TemporaryDirectory(prefix="zazen-qemu-")
        self.logfile = open(options.log, "wb") if options.log else None
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
            preexec_fn=die_with_parent)
        os.set_blocking(self.process.stdout.fileno(), False)
        if options.keys:
            threading.Thread(target=self.press_keys, daemon=True).start()

    def monitor(self):
        """A connection to QEMU's monitor (QMP); None once it has ended."""
        path = os.path.join(self.scratch.name, "qmp")
        while self.process.poll() is None:
            try:
                s = socket.socket(socket.AF_UNIX)
                s.connect(path)
                qmp = s.makefile("rw")
                qmp.readline()
                self.ask(qmp, "qmp_capabilities")
                return qmp
            except (OSError, ValueError):
                time.sleep(0.1)
        return None

    @staticmethod
    def ask(qmp, command, **arguments):
        """One command of the monitor; what it returns."""
        qmp.write(json.dumps({"execute": command, "arguments": arguments}))
        qmp.flush()
        while True:
            answer = json.loads(qmp.readline())
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise Failure(f"{command}: {answer['error']}")

    def press_keys(self):
        qmp = self.monitor()
        try:
            while qmp:
                self.ask(qmp, "send-key",
                         keys=[{"type": "qcode", "data": "a"}])
                time.sleep(1)
        except (OSError, ValueError):
            pass                        # the machine has ended

    def command(self):
        """QEMU's command line."""
        o = self.options
        accel = "tcg,thread=" + ("multi" if o.parallel and not o.icount
                                 else "single")
        argv = ["qemu-system-x86_64", "-M", o.machine, "-accel", accel,
                "-cpu", o.cpu,
                "-m", str(o.mem), "-smp", str(1 if o.icount else o.smp),
                "-net", "none", "-display", "none", "-serial", "stdio",
                "-monitor", "none",
                "-qmp", f"unix:{self.scratch.name}/qmp,server=on,wait=off"]
        if not o.reboots:
            argv += ["-no-reboot"]
        if o.icount:
            argv += ["-icount", "shift=0,sleep=off"]
        if o.uefi:
            argv += self.firmware()
        if o.disk:
            argv += (self.drive("disk", o.disk, o.bus, o.keep) +
                     self.drive("files", self.tar(), "virtio", False))
        for i, name in enumerate(o.disks):
            argv += self.drive(f"disk{i}", name, "virtio", False)
        if o.disk:
            return argv + list(o.extra)
        initrd = self.initrd()
        if o.hypervisor:
            argv += ["-kernel", o.hypervisor]
            if o.hv_append:
                argv += ["-append", o.hv_append]
            if o.kernel:
                module = f"{o.kernel} {o.append}".strip().replace(",", ",,")
                argv += ["-initrd",
                         module + ("," + initrd if initrd else "")]
        else:
            argv += ["-kernel", o.kernel, "-append", o.append]
            if initrd:
                argv += ["-initrd", initrd]
        return argv + list(o.extra)

    @staticmethod
    def drive(name, file, bus, keep):
        """The arguments for a disk; the first one that is made boots."""
        argv = ["-drive", f"file={file},format=raw,if=none,id={name},"
                f"snapshot={'off' if keep else 'on'}"]
        for device in DISKS[bus]:
            argv += ["-device", device.format(name)]
        return argv

    def firmware(self):
        """The arguments for OVMF, with variables of this machine's own."""
        own = os.path.join(self.scratch.name, "vars.fd")
        if not os.path.isdir(OVMF):
            raise SystemExit(f"no {OVMF}; try: apt-get install ovmf")
        shutil.copy(os.path.join(OVMF, "OVMF_VARS_4M.fd"), own)
        code = os.path.join(OVMF, "OVMF_CODE_4M.fd")
        return ["-drive", f"if=pflash,format=raw,readonly=on,file={code}",
                "-drive", f"if=pflash,format=raw,file={own}"]

    def contents(self):
        """The caller's files as (path, bytes, mode)."""
        for path, data, mode in self.options.files:
            if isinstance(data, str):
                with open(data, "rb") as f:
                    data = f.read()
            yield path, data, mode

    def tar(self):
        """The caller's files, as a disk that is a tar file."""
        name = os.path.join(self.scratch.name, "files.tar")
        with tarfile.open(name, "w") as out:
            for path, data, mode in self.contents():
                info = tarfile.TarInfo(path)
                info.size, info.mode = len(data), mode
                out.addfile(info, io.BytesIO(data))
        return name

    def initrd(self):
        """The initrd's file, with the caller's files appended to it."""
        o = self.options
        parts = [o.initrd] if isinstance(o.initrd, str) else o.initrd or []
        if not parts or len(parts) == 1 and not o.files:
            return "".join(parts)
        name = os.path.join(self.scratch.name, "initrd")
        with open(name, "wb") as out:
            for part in parts:
                with open(part, "rb") as base:
                    out.write(base.read())
            out.write(cpio(self.contents()))
        return name

    def pump(self, seconds):
        """Take what the console prints within this time; False at its end."""
        fd = self.process.stdout.fileno()
        ready, _, _ = select.select([fd], [], [], max(seconds, 0))
        if not ready:
            return True
        data = os.read(fd, 65536)
        if not data:
            self.ended = True
            return False
        if self.logfile:
            self.logfile.write(data)
            self.logfile.flush()
        if self.sink:
            self.sink(data)
        self.text += data.decode("utf-8", "replace").replace("\r", "")
        return True

    def expect(self, pattern, seconds, echo=None):
        """Wait until the console's unread text matches; returns the match."""
        regex = re.compile(pattern, re.M)
        limit = time.monotonic() + seconds
        shown = len(self.text)
        while True:
            match = regex.search(self.text, self.seen)
            if echo and len(self.text) > shown:
                echo(self.text[shown:])
                shown = len(self.text)
            if match:
                self.seen = match.end()
                return match
            left = limit - time.monotonic()
            if self.ended:
                raise Failure(f"the machine ended before: {pattern}")
            if left <= 0:
                raise Failure(f"not within {seconds} s: {pattern}")
            self.pump(min(left, 1.0))

    def expect_on_screen(self, pattern, seconds):
        """Wait until the screen, in VGA's text mode, shows such a line."""
        limit = time.monotonic() + seconds
        qmp = self.monitor()
        name = os.path.join(self.scratch.name, "screen")
        text = ""
        while qmp and time.monotonic() < limit:
            self.ask(qmp, "pmemsave", val=0xb8000, size=80 * 25 * 2,
                     filename=name)
            with open(name, "rb") as f:
                text = f.read()[::2].decode("latin-1")
            if any(re.search(pattern, text[i:i + 80])
                   for i in range(0, len(text), 80)):
                return
            self.pump(0.2)
        raise Failure(f"not on the screen within {seconds} s: {pattern}\n" +
                      "\n".join(text[i:i + 80] for i in range(0, 2000, 80)))

    def wait_end(self, seconds, echo=None):
        """Wait until QEMU ends by itself."""
        limit = time.monotonic() + seconds
        shown = len(self.text)
        while not self.ended:
            if time.monotonic() >= limit:
                raise Failure(f"the machine still runs after {seconds} s")
            self.pump(0.5)
            if echo and len(self.text) > shown:
                echo(self.text[shown:])
                shown = len(self.text)
        return self.process.wait(10)

    def send(self, text):
        """Type on the console, no faster than a serial line's buffer takes."""
        data = text.encode("latin-1", "replace")
        for i in range(0, len(data), 16):
            self.process.stdin.write(data[i:i + 16])
            self.process.stdin.flush()
            if len(data) > 16:
                self.pump(0.02)

    def run(self, command, seconds):
        """Run a command by the agent of dom0's image: (exit code, output)."""
        self.serial += 1
        ident = f"c{self.serial}"
        start = len(self.text)
        self.send(f"run {ident} {seconds} {command}\n")
        match = self.expect(rf"@@{ident} rc=(\d+)@@",
                            seconds * 1.5 + 20)
        return int(match.group(1)), self.text[start:match.start()].strip("\n")

    def ask_hypervisor(self):
        """What its vcpus do is on the console then: by keys, as Xen's are."""
        for _ in range(3 if not self.ended else 0):
            self.send("\1\1\1q\1\1\1")
            self.pump(1)

    def elapsed(self):
        return time.monotonic() - self.started

    def tail(self, lines=40):
        return "\n".join(self.text.splitlines()[-lines:])

    def stop(self):
        """End QEMU, politely first."""
        for sig in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                os.killpg(self.process.pid, sig)
                try:
                    self.process.wait(5)
                except subprocess.TimeoutExpired:
                    continue
        if self.logfile:
            self.logfile.close()
        self.process.stdin.close()
        self.process.stdout.close()
        self.scratch.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
