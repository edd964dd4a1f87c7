#!/usr/bin/env python3
"""Runs the commands of a page of the guide, and compares what they print with the page's listings.

    run_page.py PAGE.md SOURCE_DIRECTORY DIRECTORY_OF_THE_TOOL WORK_DIRECTORY

Every block ```sh of the page runs, in their order, in one directory that has datasets/ and models/. A block ```text after
it is its output; numbers are compared to two digits, because they differ between instruction sets.
"""
import os
import re
import shutil
import subprocess
import sys

NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def blocks(text):
    """The (language, content) of every fenced block."""
    return re.findall(r"^```(\S+)[^\n]*\n(.*?)^```", text, re.M | re.S)


def normal(line):
    """The line with its numbers rounded to two digits."""
    return NUMBER.sub(lambda number: f"{float(number.group()):.2g}", line.strip())


def differences(printed, listed):
    """The lines of the listing that the output does not have, as text."""
    lines = {normal(line) for line in printed.splitlines()}
    return [line for line in listed.splitlines() if normal(line) not in lines]


def main(page, source, tool, work):
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    for name in ("datasets", "models", "examples"):
        os.symlink(os.path.join(source, name), os.path.join(work, name))
    environment = dict(os.environ, PATH=tool + os.pathsep + os.environ["PATH"], LC_ALL="C")
    with open(page, encoding="utf-8") as file:
        found = [block for block in blocks(file.read()) if block[0] in ("sh", "text")]
    if not any(language == "sh" for language, _ in found):
        sys.exit(f"{page}: no block of commands")
    printed = ""
    for language, content in found:
        if language == "text":
            missing = differences(printed, content)
            if missing:
                sys.exit(f"{page}: the listing has {missing}; the output was:\n{printed}")
            continue
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", content], cwd=work, env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        printed = done.stdout
        print(content + done.stdout + done.stderr)
        if done.returncode != 0:
            sys.exit(f"{page}: exit code {done.returncode}")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*map(os.path.abspath, sys.argv[1:]))
