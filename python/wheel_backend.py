"""Builds the wheel with CMake (PEP 517), with nothing but the standard library.

    pip wheel .                                          configures and builds all in a directory of its own
    pip wheel . --config-settings build-dir=build        takes a build with PATHLINE_PYTHON=ON

NumPy is not named as a dependency: pip would look for it on a network even where Debian's is installed.
"""
import base64
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import sysconfig
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[1]


def get_requires_for_build_wheel(config_settings=None):
    return []


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    version = re.search(r'PATHLINE_VERSION "(.*)"', (ROOT / "include/pathline/core/version.hpp").read_text()).group(1)
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    tag = f"{python}-{python}-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
    name = f"pathline-{version}-{tag}.whl"
    with tempfile.TemporaryDirectory(prefix="pathline-wheel-") as work:
        stage = pathlib.Path(work) / "stage"
        build = (config_settings or {}).get("build-dir")
        _install(pathlib.Path(build) if build else _configured(pathlib.Path(work) / "build"), stage)
        with zipfile.ZipFile(pathlib.Path(wheel_directory) / name, "w", zipfile.ZIP_DEFLATED) as wheel:
            _write(wheel, _files(stage, version, tag), f"pathline-{version}.dist-info/RECORD")
    return name


def _configured(build):
    subprocess.run(["cmake", "-S", str(ROOT), "-B", str(build), "-DCMAKE_BUILD_TYPE=Release", "-DPATHLINE_PYTHON=ON",
                    "-DPATHLINE_TESTS=OFF", "-DPATHLINE_SHARED=OFF", f"-DPython_EXECUTABLE={sys.executable}"], check=True)
    return build


def _install(build, stage):
    jobs = str(os.cpu_count() or 1)
    subprocess.run(["cmake", "--build", str(build), "--target", "pathline_python", "--parallel", jobs], check=True)
    subprocess.run(["cmake", "--install", str(build), "--component", "python", "--strip", "--prefix", str(stage)],
                   check=True)


def _files(stage, version, tag):
    """The names in the wheel, and what is in each."""
    (package,) = stage.glob("**/pathline")
    for path in sorted(package.rglob("*")):
        if path.is_file():
            yield path.relative_to(package.parent).as_posix(), path.read_bytes()
    info = f"pathline-{version}.dist-info"
    metadata = (f"Metadata-Version: 2.1\nName: pathline\nVersion: {version}\nRequires-Python: >=3.9\n"
                "Summary: Continuous normalizing flows on a CPU: train a density, evaluate it, sample it\n"
                "License-File: LICENSE\n")
    yield f"{info}/METADATA", metadata.encode()
    yield f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: pathline\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    yield f"{info}/LICENSE", (ROOT / "LICENSE").read_bytes()


def _write(wheel, files, record):
    lines = []
    for name, content in files:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}\n")
        entry = zipfile.ZipInfo(name)  # of 1980: the same files give the same wheel
        entry.external_attr = (0o755 if name.endswith(".so") else 0o644) << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        wheel.writestr(entry, content)
    wheel.writestr(record, "".join(lines) + f"{record},,\n")
