"""Every package names its licence, and the list says what runs on AWS."""

from __future__ import annotations

from email.parser import Parser

import pytest

from supply import licences
from supply.locks import DEV, LAYER, RUN


def test_every_locked_package_is_listed_with_its_licence() -> None:
    """Those that run on AWS, those that only work here, and those of Node."""
    listed = licences.packages()
    assert {each.where for each in listed} == {"on AWS", "here", "in Node"}
    assert [each.name for each in listed if each.licence == licences.UNKNOWN] == []
    names = {each.name.lower().replace("_", "-").replace(".", "-") for each in listed}
    assert LAYER.pins().keys() <= names
    assert len({*RUN.pins(), *DEV.pins()} - names) < 5  # what is locked for other systems alone


def test_nothing_that_runs_on_aws_asks_for_more_than_a_notice() -> None:
    """No licence there would have others publish their own code."""
    asking = ("GPL", "General Public", "Affero", "SSPL", "Commons Clause", "Business Source")
    deployed = [each for each in licences.packages() if each.where == "on AWS"]
    assert deployed
    assert [each for each in deployed if any(word in each.licence for word in asking)] == []


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ("License-Expression: MIT\nLicense: whatever", "MIT"),
        ("License: Dual License\nClassifier: License :: OSI Approved :: BSD License", "BSD License"),
        ("License: Apache 2.0", "Apache 2.0"),
        (
            "License: Copyright 2023 N. N.\n        \n        Permission is granted",
            "Copyright 2023 N. N. (a text of its own)",
        ),
        ("Name: nothing", licences.UNKNOWN),
    ],
    ids=["expression", "classifier", "words", "a whole text", "nothing"],
)
def test_a_licence_is_found_wherever_a_package_says_it(metadata: str, licence: str) -> None:
    """In the order of how exact it is."""
    assert licences.licence_of(Parser().parsestr(metadata)) == licence
