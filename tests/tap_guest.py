#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays a virtual machine's part on a tap device: opens the tap as QEMU does and carries frames between it and a tap 'eth0' in
another namespace, which is the guest's own interface.

Usage: tap_guest.py TAP GUEST_NAMESPACE   (run inside the namespace of the switch)
"""
import ctypes
import fcntl
import os
import select
import struct
import sys

TUNSETIFF, IFF_TAP, IFF_NO_PI, CLONE_NEWNET = 0x400454CA, 0x0002, 0x1000, 0x40000000


def open_tap(name):
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return fd


def main():
    tap = open_tap(sys.argv[1])
    with open(f"/run/netns/{sys.argv[2]}") as ns:
        if ctypes.CDLL(None, use_errno=True).setns(ns.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    inside = open_tap("eth0")
    print("ready", flush=True)
    other = {tap: inside, inside: tap}
    while True:
        for fd in select.select([tap, inside], [], [])[0]:
            frame = os.read(fd, 65536)
            try:
                os.write(other[fd], frame)
            except OSError:
                pass  # the other side is down: the frame is lost, as on a wire


main()
