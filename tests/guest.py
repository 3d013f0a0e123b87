# SPDX-License-Identifier: Apache-2.0
"""A virtual machine on a vhost-user port: QEMU in software emulation, Debian's kernel, and a user space of busybox in an initramfs."""
import contextlib
import gzip
import pathlib
import shutil
import subprocess
import time

from harness import ROOT, run

KERNEL = ROOT / "build/vm"
MODULES = ["virtio", "virtio_ring", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "failover", "net_failover", "virtio_net"]
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
{modules}
ip link set eth0 up
ip addr add {address}/24 dev eth0
echo "features $(cat /sys/class/net/eth0/device/features)"
{script}
echo "guest ready"
while :; do sleep 1; done
"""


def why_not():
    """Why there can be no guest here; empty: there can."""
    for program, package in (("qemu-system-x86_64", "qemu-system-x86"), ("busybox", "busybox-static"), ("cpio", "cpio")):
        if not shutil.which(program):
            return f"the package {package} is not installed"
    done = run("sh", "-c", f"ldd {shutil.which('busybox')} 2>&1 | grep -c '=>'", check=False)
    if done.stdout.strip() != "0":
        return "busybox is not the one of the package busybox-static"
    done = run(ROOT / "tools/guest-kernel", KERNEL, check=False, timeout=120)
    return f"the guest's kernel cannot be had: {done.stderr.strip()}" if done.returncode else ""


class Guest:
    """Boots at once. `script`: shell lines that its init runs when eth0 is up. close() ends it."""

    def __init__(self, directory, socket, address, script="", mac="52:54:00:00:00:01"):
        self.dir = pathlib.Path(directory, "guest")
        self.console = self.dir / "console"
        self._initramfs(address, script)
        with open(self.dir / "qemu.out", "wb") as out:
            # QEMU 7.2 in software emulation does not pass the interrupts of vhost-user as MSI.
            self.process = subprocess.Popen(
                ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "192", "-smp", "1", "-display", "none", "-no-reboot", "-nodefaults",
                 "-object", "memory-backend-memfd,id=mem,size=192M,share=on", "-numa", "node,memdev=mem",
                 "-kernel", KERNEL / "vmlinuz", "-initrd", self.dir / "initramfs", "-append", "console=ttyS0 quiet panic=-1",
                 "-serial", f"file:{self.console}", "-chardev", f"socket,id=c0,path={socket},server=on,wait=off",
                 "-netdev", "vhost-user,id=n0,chardev=c0", "-device", f"virtio-net-pci,netdev=n0,vectors=0,mac={mac}"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def _initramfs(self, address, script):
        root = self.dir / "root"
        for name in ("bin", "proc", "sys", "dev", "lib", "www"):
            (root / name).mkdir(parents=True)
        shutil.copy(shutil.which("busybox"), root / "bin/busybox")
        lines = []  # run twice: which needs which differs between kernels
        for name in MODULES:
            for path in (KERNEL / "x/lib/modules").rglob(f"{name}.ko"):
                shutil.copy(path, root / "lib")
                lines.append(f"insmod /lib/{name}.ko 2>/dev/null")
        init = root / "init"
        init.write_text(INIT.format(modules="\n".join(lines * 2), address=address, script=script))
        init.chmod(0o755)
        names = "\n".join(str(p.relative_to(root)) for p in root.rglob("*"))
        done = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, input=names.encode(), stdout=subprocess.PIPE, check=True)
        (self.dir / "initramfs").write_bytes(gzip.compress(done.stdout, 1))

    def said(self):
        return self.console.read_text(errors="replace") if self.console.exists() else ""

    def wait(self, text, timeout=60):
        """Until the guest has said it."""
        end = time.monotonic() + timeout
        while text not in self.said():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the guest did not say '{text}':\n{self.said()[-2000:]}\n" +
                                     (self.dir / "qemu.out").read_text(errors="replace"))
            time.sleep(0.1)

    def features(self):
        """The bits of virtio that the driver and the switch agreed on."""
        line = next(line for line in self.said().splitlines() if line.startswith("features "))
        return {i for i, bit in enumerate(line.split()[1]) if bit == "1"}

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        shutil.rmtree(self.dir, ignore_errors=True)


