"""Unpacked programs run by the C library that was unpacked with them, whatever the system's is.

A program names its loader by an absolute path, the system's; a newer program's libraries then ask that one for what
it does not have. So a script takes the program's place and hands it to the unpacked loader. Its paths are relative:
the folder may be moved or copied. LD_LIBRARY_PATH would not do: /bin/sh and setpriv, on the way to the program, would
get the other C library too.
"""

import os
from pathlib import Path

MAGIC = b"\x7fELF"
# --argv0: PostgreSQL finds initdb, its share and its lib from its own name; redis-check-rdb is a Redis by another name.
SCRIPT = """#!/bin/sh
here=${{0%/*}}
exec "$here/{loader}" --library-path "{libraries}" --argv0 "$0" "$here/{program}" "$@"
"""
# Debian 12's packages keep it outside /usr.
PLACES = ("usr/lib/*-linux-gnu*/ld-linux*.so.*", "lib/*-linux-gnu*/ld-linux*.so.*")
BEHIND = ".program"


def give(folder: Path, root: Path, libraries: list[Path]) -> None:
    """Has every program of the folder below `root` run by `root`'s loader. Raises FileNotFoundError without one."""
    loader = next((file for place in PLACES for file in sorted(root.glob(place))), None)
    if loader is None:
        raise FileNotFoundError(f"{root} holds no loader")
    programs = [file for file in sorted(folder.iterdir()) if _is_program(file)]
    for program in programs:
        behind = program.with_name(program.name + BEHIND)
        if program.is_symlink() and program.resolve().parent == folder.resolve():
            # What it leads to moves out of a script's way as well.
            behind.symlink_to(program.resolve().name + BEHIND)
            program.unlink()
        else:
            program.rename(behind)
        program.write_text(
            SCRIPT.format(
                loader=os.path.relpath(loader, folder),
                libraries=":".join(f"$here/{os.path.relpath(each, folder)}" for each in libraries),
                program=behind.name,
            )
        )
        program.chmod(0o755)


def _is_program(file: Path) -> bool:
    if not (file.is_file() and os.access(file, os.X_OK)):
        return False
    with file.open("rb") as opened:
        return opened.read(len(MAGIC)) == MAGIC
