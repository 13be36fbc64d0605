"""docs/testing.md as it stands: its code runs, its faults are all there are and strike where it says."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambdas import analytics, inventory, notifications, relay
from testing import Fault, World, order_placed

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
FAULTS = re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", TEXT, re.MULTILINE)
SKUS = ({"sku": "NW-1", "units": 1000}, {"sku": "NW-2", "units": 1000})


def test_every_block_of_code_runs_as_it_stands(tmp_path: Path) -> None:
    """One file of tests, from top to bottom."""
    written = tmp_path / "test_of_the_documentation.py"
    written.write_text("\n\n".join(BLOCKS), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(ROOT)]
    done = subprocess.run(
        [*command, "-c", str(ROOT / "pyproject.toml"), str(written)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    tests = len(re.findall(r"^def test_", written.read_text(encoding="utf-8"), re.MULTILINE))
    assert tests >= len(BLOCKS)


def test_five_lines_are_five() -> None:
    """Of the first test: a world, a consumer, its table, an event, time; and then what is asserted."""
    (body,) = re.findall(r"def test_.*?:\n(.*)", BLOCKS[0], re.DOTALL)
    *lines, asserted = body.strip().splitlines()
    assert len(lines) == 5
    assert asserted.strip().startswith("assert")


def test_the_table_has_every_fault() -> None:
    """In the order of the catalogue. A new one needs its row: a name, a place where it strikes, and what it does."""
    assert [name for name, _ in FAULTS] == [fault.value for fault in Fault]


@pytest.fixture
def shop() -> World:
    """Enough of it to have every place that the table names."""
    world = World(seed=1)
    world.put("stock", *SKUS)
    for consumer, function in (("inventory", inventory), ("analytics", analytics), ("notifications", notifications)):
        world.deploy(consumer, function.handler)
    world.deploy_relay(relay.handler)
    return world


@pytest.mark.parametrize(("fault", "place"), FAULTS)
def test_a_fault_strikes_where_the_table_says(shop: World, fault: str, place: str) -> None:
    """Once, and nothing is lost or done twice for it, but what never reached its queue."""
    shop.inject(fault, at=place)
    shop.publish(*(order_placed(str(number), customer_id=f"C{number}") for number in range(3)))
    shop.publish(order_placed("1", customer_id="C1"), resend="again")  # a transaction that is cancelled
    shop.run()
    shop.sweep()
    shop.run()
    shop.assert_all_injected()
    assert shop.hits == {Fault(fault): 1}
    undelivered = len(shop.undelivered("inventory"))
    assert undelivered == (fault == "key_revoked")
    stock = shop.item("stock", "NW-1")
    assert stock is not None
    assert stock["units"] == 1000 - 2 * (3 - undelivered)


def test_every_link_leads_somewhere() -> None:
    """Relative ones are files of the repository."""
    for target in re.findall(r"\]\((?!http)([^)#]+)", TEXT):
        assert (ROOT / "docs" / target).exists(), target


def test_what_it_names_of_a_world_exists(shop: World) -> None:
    """Every `world.name`, down to the last part."""
    for name in sorted(set(re.findall(r"`world\.(\w+)", TEXT))):
        assert hasattr(shop, name), name
    assert list(_parts(shop)) == []


def _parts(world: World) -> Iterator[str]:
    for name, part in sorted(set(re.findall(r"\bworld\.(\w+)\.(\w+)", TEXT))):
        if not hasattr(getattr(world, name), part):
            yield f"{name}.{part}"


def test_the_life_that_it_shows_is_of_the_form_that_traces_have() -> None:
    """The numbers are of the day on which it was written."""
    (life,) = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
    assert all(re.fullmatch(r" +\d+\.\d{3} s  \S+  .+", line) for line in life.splitlines())


def test_the_kit_needs_neither_the_cdk_nor_a_consumer() -> None:
    """Nor botocore's clients, until somebody wants them."""
    code = "import sys, testing; print(*sorted(sys.modules))"
    modules = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    assert "testing.world" in modules
    unwanted = {"lambdas", "stacks", "aws_cdk", "boto3", "botocore.session", "aws_lambda_powertools", "ministack"}
    assert unwanted.isdisjoint(modules)
    assert all(importlib.util.find_spec(name) for name in unwanted)
