#!/usr/bin/env python3
"""Builds and runs the programs of docs/languages.md, by its own commands, in empty directories.

   printed.py ANNULUS LANGUAGE...

What one language sends the next one reads. A program is what is printed, between the few lines
around it that the page leaves out; the channel has a name that nobody else uses. CPATH,
LIBRARY_PATH and LD_LIBRARY_PATH say where libannulus.so is.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# The file, and for the half that sends and the half that reads what stands around it.
AROUND = {
    "C": ("orders.c", """
        #include <annulus.h>
        #include <stdio.h>
        static int fail(const char* why) { return fprintf(stderr, "%s", why), 1; }
        static void handle(const void* data, size_t count) { fwrite(data, 1, count, stdout); }
        int main(void) { (void)handle; (void)fail; PRINTED }""", """
        #include <annulus.h>
        #include <stdio.h>
        static void handle(const void* data, size_t count) { fwrite(data, 1, count, stdout); }
        int main(void) { annulus_error why; PRINTED annulus_close_consumer(rx); return 0; }"""),
    "Python": ("orders.py", "import annulus\nPRINTED", """
import annulus
import sys
handle = sys.stdout.buffer.write
PRINTED"""),
    "Rust": ("src/main.rs", """
        use annulus::{Producer, Wait};
        fn main() -> Result<(), Box<dyn std::error::Error>> { PRINTED Ok(()) }""", """
        use annulus::{Consumer, Wait};
        use std::io::Write;
        fn handle(message: &[u8]) { std::io::stdout().write_all(message).unwrap() }
        fn main() -> Result<(), annulus::OpenError> { PRINTED Ok(()) }"""),
    "Go": ("orders.go", """
        package main
        import ("annulus"; "log"; "time")
        func main() { PRINTED
            if err != nil { log.Fatal(err) } }""", """
        package main
        import ("annulus"; "log"; "os")
        func handle(message []byte) { os.Stdout.Write(message) }
        func main() { PRINTED
            if err != nil { log.Fatal(err) } }"""),
    "C#": ("orders.cs", """
        using System; using Annulus;
        static class Orders { static void Main() { var hello = new byte[] {104, 101, 108, 108, 111};
          PRINTED } }""", """
        using System; using Annulus;
        static class Orders {
          static void Handle(ReadOnlySpan<byte> message) {
            Console.Write(System.Text.Encoding.UTF8.GetString(message.ToArray())); }
          static void Main() { PRINTED } }"""),
    "Node.js": ("orders.js", "const { Producer } = require('annulus');\nPRINTED", """
        const { Consumer } = require('annulus');
        const handle = (message) => process.stdout.write(message);
        (async () => { PRINTED })();"""),
    "Java": ("Orders.java", """
        import annulus.*; import java.time.Duration;
        class Orders { public static void main(String[] none) throws Exception {
          byte[] hello = "hello".getBytes();
          PRINTED } }""", """
        import annulus.*; import java.time.Duration;
        class Orders {
          static void handle(Message message) {
            System.out.write(message.toBytes(), 0, message.size()); System.out.flush(); }
          public static void main(String[] none) throws Exception {
            try { PRINTED } catch (Refused why) {
              if (why.why != Refused.Why.CLOSED) throw why; } } }"""),
}


def run(command, folder, annulus):
    done = subprocess.run(["sh", "-c", command], cwd=folder, env=os.environ | {"annulus": annulus},
                          capture_output=True, timeout=200, check=False)
    if done.returncode != 0:
        sys.exit(f"{folder}: {command}: {done.returncode}\n{done.stdout.decode()}"
                 f"{done.stderr.decode()}")
    return done.stdout.decode()


def main(annulus, languages):
    page = Path(annulus, "docs/languages.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| (\S+) \| (`.+` \| `.+`) \|$", page, re.M))
    blocks = dict(re.findall(r"^\*\*(\S+)\*\*.*?\n```\w+\n(.*?)```$", page, re.M | re.S))
    if not set(table) == set(blocks) == set(AROUND):
        sys.exit(f"docs/languages.md has {set(table)} and {set(blocks)}, not {set(AROUND)}")
    with tempfile.TemporaryDirectory() as scratch:
        channel = f"shm:test.printed.{os.getpid()}"
        halves = {}
        for language in languages:
            build, start = (part.strip("`") for part in table[language].split(" | "))
            file, *around = AROUND[language]
            printed = blocks[language].replace("shm:orders", channel).split("\n\n")
            halves[language] = []
            for number, half in enumerate(printed):
                folder = Path(scratch, f"{language}{number}")
                Path(folder, file).parent.mkdir(parents=True)
                whole = around[number].replace("PRINTED", half)
                (folder / file).write_text(whole, encoding="utf-8")
                run(build, folder, annulus)
                halves[language].append((start, folder))
        try:
            for sends, reads in zip(languages, languages[1:] + languages[:1]):
                run(*halves[sends][0], annulus)
                got = run(*halves[reads][1], annulus)
                print(f"{sends} -> {reads}: {got}")
                if got != "hello":
                    sys.exit(f"{reads} read {got!r}")
        finally:
            Path("/dev/shm", channel.replace("shm:", "annulus.")).unlink(missing_ok=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
