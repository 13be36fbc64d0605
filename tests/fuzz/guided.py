"""`decode` under a fuzzer that is guided by coverage: it keeps what reaches new code, and changes that further.

    python3 dev.py fuzz --seconds 60

It goes on where the last run stopped: what it found interesting is kept in .waybill/fuzz/corpus. An answer that is not
sound, one that takes more than five seconds, or more than 512 MiB end the run with exit code 77 or 70, and the input is
in .waybill/fuzz. Source: https://github.com/google/atheris
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence

from supply import tools
from supply.locks import FUZZ, ROOT

FOLDER = ROOT / ".waybill" / "fuzz"
_LIMITS = ("-timeout=5", "-rss_limit_mb=512", "-max_len=16384", "-print_final_stats=1")


def main(arguments: Sequence[str]) -> int:
    """Fuzz for so long. Returns only where it could not begin: the fuzzer ends the process itself."""
    parser = argparse.ArgumentParser(
        prog="dev.py fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=60, help="how long (default: %(default)s)")
    options = parser.parse_args(arguments)
    if importlib.util.find_spec("atheris") is None:
        _begin_again_with_atheris(arguments)
    _fuzz(options.seconds)
    return 0


def tried(verdict: Callable[[str], str]) -> Callable[[bytes], None]:
    """What the fuzzer calls with its bytes. Those that are no UTF-8 become lone surrogates, as among `edits`."""

    def one_input(data: bytes) -> None:
        verdict(data.decode("utf-8", "surrogateescape"))

    return one_input


def _begin_again_with_atheris(arguments: Sequence[str]) -> None:
    """This process, with the fuzzer among what it can import."""
    packages = str(tools.site_packages(tools.environment(FUZZ)))
    paths = os.pathsep.join([packages, *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "tests.fuzz.guided", *arguments]
    os.execve(sys.executable, command, {**os.environ, "PYTHONPATH": paths})  # noqa: S606 - no shell is wanted


def _fuzz(seconds: int) -> None:
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["messaging"]):
        verdicts = importlib.import_module("tests.fuzz.verdicts")
    corpus = FOLDER / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, body in enumerate(verdicts.sound_bodies()):
        (corpus / f"sound-{number}").write_text(body, encoding="utf-8")
    places = [str(corpus), f"-artifact_prefix={FOLDER}{os.sep}"]
    atheris.Setup([sys.argv[0], *places, f"-max_total_time={seconds}", *_LIMITS], tried(verdicts.verdict))
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
