"""Devices for dom0's drivers: disks with known contents, network cards, USB."""
import hashlib
import os
import random

SIZE = 8 << 20          # of a disk and of what the network carries

# A disk by the name that it begins with: QEMU's devices for it.
DISKS = {
    "virtio": ["virtio-blk-pci,drive=virtio"],
    "ahci": ["ahci,id=ahci", "ide-hd,bus=ahci.0,drive=ahci"],
    "nvme": ["nvme,drive=nvme,serial=nvme"],
    "usb": ["usb-storage,drive=usb"],
}
# ISA's interrupts, and DMA to the first 4 GiB only.
ONLY = {"pc": {"ide": ["ide-hd,drive=ide"]}, "q35": {}}
CARDS = ["virtio-net-pci", "e1000e", "e1000"]


def write_disk(path, name):
    """A file with the name and random bytes; returns its digest."""
    data = f"zz-disk {name}\n".encode().ljust(512, b"\0")
    data += random.Random(name).randbytes(SIZE - len(data))
    with open(path, "wb") as f:
        f.write(data)
    return hashlib.md5(data).hexdigest()


def build(machine, folder):
    """QEMU's arguments, and a list for dom0: a line "NAME DIGEST" for a disk,
    the last for the file that each network's .100 sends; its .101 answers
    SIZE bytes with their digest."""
    args = ["-device", "qemu-xhci", "-device", "usb-kbd", "-device",
            "usb-tablet"]
    lines = []
    for name, devices in {**DISKS, **ONLY[machine]}.items():
        path = os.path.join(folder, name)
        lines.append(f"{name} {write_disk(path, name)}\n")
        args += ["-drive", f"file={path},format=raw,if=none,id={name}"]
        for device in devices:
            args += ["-device", device]
    path = os.path.join(folder, "sent")
    lines.append(f"sent {write_disk(path, 'sent')}\n")
    for i, card in enumerate(CARDS):
        net = f"10.0.{i + 10}"
        args += ["-netdev", f"user,id=n{i},net={net}.0/24,"
                 f"guestfwd=tcp:{net}.100:80-cmd:cat {path},"
                 f"guestfwd=tcp:{net}.101:80-cmd:"
                 f"sh -c 'head -c {SIZE} | md5sum'",
                 "-device", f"{card},netdev=n{i},romfile="]
    return args, "".join(lines)
