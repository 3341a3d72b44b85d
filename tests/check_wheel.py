"""Says which of the package's files a wheel lacks; run by `make check`."""

import sys
import zipfile
from pathlib import Path


def missing_files(wheel: Path, package: Path) -> list[str]:
    """Files below `package` that `wheel` does not hold."""
    held = set(zipfile.ZipFile(wheel).namelist())
    files = [p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    return sorted(name for p in files if (name := p.relative_to(package.parent).as_posix()) not in held)


def main(folder: str) -> None:
    (wheel,) = Path(folder).glob("*.whl")
    missing = missing_files(wheel, Path(__file__).parents[1] / "src" / "condensers")
    if missing:
        sys.exit(f"{wheel.name} lacks {', '.join(missing)}; add them to package_data in setup.cfg.")
    sys.stdout.write(f"{wheel.name} holds every file of the package.\n")


if __name__ == "__main__":
    main(sys.argv[1])
