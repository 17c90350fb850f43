"""Take the page's libraries from their npm packages: python tools/vendor_web.py

Each is fetched by name and version with `npm pack`, and its minified file and licence are copied to
eutonia/web/static/vendor/. `--check` tells whether the files there are the ones of these packages.
"""

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VENDOR = Path(__file__).parents[1] / "eutonia" / "web" / "static" / "vendor"
PACKAGES = {
    "htmx.org@4.0.1": "dist/htmx.min.js",
    "vega@6.4.0": "build/vega.min.js",
    "vega-lite@6.4.3": "build/vega-lite.min.js",
    "vega-embed@7.3.0": "build/vega-embed.min.js",  # brings vega-interpreter, which needs no eval
}


def files_of(package: str, path: str) -> dict[str, bytes]:
    """The minified file of a package and its licence, by the names they get here."""
    name = package.rpartition("@")[0]
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(
            ["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True, text=True
        )
        with tarfile.open(Path(folder) / made.stdout.split()[-1]) as archive:
            taken = {}
            for inside, here in ((path, Path(path).name), ("LICENSE", f"{name}.LICENSE.txt")):
                member = archive.extractfile(f"package/{inside}")
                assert member is not None, f"{package} has no {inside}"
                taken[here] = without_source_map(member.read())
    return taken


def without_source_map(content: bytes) -> bytes:
    """The file without the pointer to a source map that is not served."""
    lines = [line for line in content.rstrip().split(b"\n") if not line.startswith(b"//# sourceMappingURL")]
    return b"\n".join(lines) + b"\n"


def main() -> int:
    wanted = {name: content for p, path in PACKAGES.items() for name, content in files_of(p, path).items()}
    wanted["VERSIONS.txt"] = "".join(f"{package}\n" for package in PACKAGES).encode()
    if "--check" in sys.argv:
        different = [
            n for n, c in wanted.items() if not (VENDOR / n).exists() or (VENDOR / n).read_bytes() != c
        ]
        print("different: " + ", ".join(different) if different else "all as packed")
        return 1 if different else 0
    VENDOR.mkdir(parents=True, exist_ok=True)
    for name, content in wanted.items():
        (VENDOR / name).write_bytes(content)
        print(f"{name}: {len(content):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
