#!/usr/bin/env python3
"""Makes what a NATS server of the operator's mode needs, and a user's file of credentials.

    nats_credentials.py FOLDER      writes FOLDER/server.conf, FOLDER/user.creds

As nsc makes them: an operator vouches for an account, and the account for the user; each token is a
JWT that its maker signed with ed25519. Keys are new each time. openssl makes and uses them.
"""
import base64
import itertools
import json
import pathlib
import subprocess
import sys
import time

LETTERS = {"operator": 14 << 3, "account": 0, "user": 20 << 3}  # the first letters O, A and U
SEED = 18 << 3
numbers = itertools.count()  # of the files of keys


def crc16(data):
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def nkey(prefix, raw):
    data = prefix + raw
    return base64.b32encode(data + crc16(data).to_bytes(2, "little")).decode().rstrip("=")


def url64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def openssl(*words):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True).stdout


class Key:
    def __init__(self, folder, kind):
        self.kind, self.file = kind, folder / f"{next(numbers)}.pem"
        openssl("genpkey", "-algorithm", "ed25519", "-out", self.file)
        # The raw key ends the encoded one.
        public = openssl("pkey", "-in", self.file, "-pubout", "-outform", "DER")[-32:]
        private = openssl("pkey", "-in", self.file, "-outform", "DER")[-32:]
        letter = LETTERS[kind]
        self.name = nkey(bytes([letter]), public)
        self.seed = nkey(bytes([SEED | letter >> 5, (letter & 31) << 3]), private)

    def vouch(self, folder, whom, nats):
        head = {"typ": "JWT", "alg": "ed25519-nkey"}
        claims = {"jti": whom.name, "iat": int(time.time()), "iss": self.name, "sub": whom.name,
                  "name": whom.kind, "nats": {**nats, "type": whom.kind, "version": 2}}
        text = ".".join(url64(json.dumps(part).encode()) for part in (head, claims))
        file = folder / "claims"
        file.write_text(text)
        signed = openssl("pkeyutl", "-sign", "-inkey", self.file, "-rawin", "-in", file)
        return text + "." + url64(signed)


def main():
    folder = pathlib.Path(sys.argv[1])
    operator, account, user = (Key(folder, kind) for kind in LETTERS)
    system = Key(folder, "account")  # the server's own; JetStream does not start without it
    unlimited = dict.fromkeys(("subs", "data", "payload"), -1)
    limits = {**unlimited, "wildcards": True}
    limits.update(dict.fromkeys(("imports", "exports", "conn", "leaf", "mem_storage",
                                 "disk_storage", "streams", "consumer"), -1))
    accounts = ((system, {}), (account, {"limits": limits}))
    tokens = "\n".join(f"  {one.name}: {operator.vouch(folder, one, facts)}"
                       for one, facts in accounts)
    (folder / "server.conf").write_text(
        f"operator: {operator.vouch(folder, operator, {})}\nsystem_account: {system.name}\n"
        f"resolver: MEMORY\nresolver_preload: {{\n{tokens}\n}}\n")
    of_user = account.vouch(folder, user, {"pub": {}, "sub": {}, **unlimited})
    (folder / "user.creds").write_text(
        f"-----BEGIN NATS USER JWT-----\n{of_user}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n")


if __name__ == "__main__":
    main()
