"""What Lambda gets: the code asset and the layer, opened."""

from __future__ import annotations

import ast
import gzip
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from email.parser import Parser
from pathlib import Path
from typing import Any

import botocore
import pytest
from aws_cdk import App, Stack
from botocore import xform_name

from messaging.topology import ORDERS
from stacks import botocore_data, bytecode, layer
from stacks.bundle import Bundle
from stacks.errors import SynthError
from tests.stacks.conftest import Synthesize
from tests.stacks.synthesized import MAIL_FROM, ROOT, Assembly, synthesize

BOTOCORE_DATA = Path(botocore.__file__).parent / "data"
LAMBDA_LIMIT_BYTES = 250 * 1024 * 1024  # code and layers together, unzipped
ELF_MACHINE_AARCH64 = 183


@pytest.fixture(scope="module")
def bundled(synth: Synthesize) -> Assembly:
    """The app as it is deployed to AWS: with its layer."""
    return synth(layer="on", mail_from=MAIL_FROM)


@pytest.fixture(scope="module")
def code(bundled: Assembly) -> Path:
    return _asset(bundled, "lambdas")


@pytest.fixture(scope="module")
def packages(bundled: Assembly) -> Path:
    return _asset(bundled, "python") / "python"


def _asset(assembly: Assembly, holding: str) -> Path:
    """The one asset folder with this entry, as the CDK's asset manifest lists it."""
    manifest = json.loads((assembly.folder / "waybill-dev-consumers.assets.json").read_text())
    sources = [each["source"] for each in manifest["files"].values()]
    zipped = [assembly.folder / each["path"] for each in sources if each["packaging"] == "zip"]
    folder: Path
    (folder,) = [each for each in zipped if (each / holding).is_dir()]
    return folder


def _files(folder: Path) -> set[str]:
    """All but compiled modules, which an asset holds where its synth could make them."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in files if "__pycache__" not in path.parts}


def _locked() -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", layer.LOCK.read_text(), flags=re.MULTILINE))


def test_code_asset_holds_the_code_and_nothing_else(code: Path) -> None:
    """Every module of lambdas/ and messaging/ is in the asset; compiled files and the rest of the project are not."""
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in ("lambdas", "messaging")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {row.handler.rpartition(".")[0].replace(".", "/") + ".py" for row in ORDERS.subscriptions} <= sources
    assert _files(code) == sources


def test_every_handler_can_be_imported_from_the_asset(code: Path) -> None:
    """Each row's handler string names a callable in the asset, and importing it needs no environment."""
    script = (
        "import importlib, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "for handler in sys.argv[2:]:\n"
        "    module, _, name = handler.rpartition('.')\n"
        "    imported = importlib.import_module(module)\n"
        "    assert imported.__file__.startswith(sys.argv[1]) and callable(getattr(imported, name)), handler\n"
    )
    handlers = [row.handler for row in ORDERS.subscriptions]
    subprocess.run([sys.executable, "-I", "-B", "-c", script, str(code), *handlers], check=True, env={})


def test_code_asset_ignores_the_rest_of_the_project(tmp_path: Path) -> None:
    """The code version changes with lambdas/ and messaging/, and with nothing else."""

    def version(name: str, **files: str) -> str:
        contents = {"lambdas/orders.py": "1", "messaging/events.py": "2", "README.md": "3"}
        for path, text in (contents | files).items():
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        stack = Stack(App(outdir=str(tmp_path / f"{name}.out")), "stack")
        return Bundle.of_project(stack, with_layer=False, root=tmp_path / name).code_version

    before = version("before")
    assert version("docs", **{"README.md": "new", "tests/lambdas/test_orders.py": "new"}) == before
    assert version("compiled", **{"lambdas/__pycache__/orders.pyc": "new"}) == before
    assert version("consumer", **{"lambdas/orders.py": "new"}) != before
    assert version("core", **{"messaging/deep/new.py": ""}) != before


def test_functions_share_one_layer(bundled: Assembly) -> None:
    """All functions use the same layer, for their runtime and architecture."""
    (version,) = bundled.consumers.properties("AWS::Lambda::LayerVersion")
    assert version["CompatibleRuntimes"] == ["python3.13"]
    assert version["CompatibleArchitectures"] == ["arm64"]
    layers = [function["Layers"] for function in bundled.consumers.properties("AWS::Lambda::Function")]
    assert len({json.dumps(each) for each in layers}) == 1
    assert len(layers) >= len(ORDERS.subscriptions)
    assert {len(each) for each in layers} == {1}


def test_layer_off_leaves_it_out(dev: Assembly) -> None:
    """A local deploy has no layer, neither as a resource nor on a function."""
    assert dev.consumers.resources("AWS::Lambda::LayerVersion") == []
    assert not any("Layers" in function for function in dev.consumers.properties("AWS::Lambda::Function"))


def test_layer_holds_what_the_lock_pins(packages: Path) -> None:
    """The layer's packages are those of requirements-layer.txt, in its versions, and those of this environment."""
    metadata = [Parser().parsestr(path.read_text()) for path in packages.glob("*.dist-info/METADATA")]
    installed = {each["Name"].lower().replace("_", "-"): each["Version"] for each in metadata}
    assert installed == _locked()
    assert {name: importlib.metadata.version(name) for name in installed} == installed


def test_layer_holds_nothing_else(packages: Path) -> None:
    """Nothing is beside the packages; of botocore's data only the services that we call are there."""
    assert {name for name in os.listdir(packages) if not name.endswith((".dist-info", "__pycache__"))} == {
        "aws_lambda_powertools",
        "boto3",
        "botocore",
        "dateutil",
        "jmespath",
        "msgspec",
        "s3transfer",
        "six.py",
        "typing_extensions.py",
        "urllib3",
    }
    assert {path.name for path in (packages / "botocore" / "data").iterdir() if path.is_dir()} == {
        *botocore_data.OPERATIONS
    }


def test_layer_is_for_lambdas_processor(packages: Path) -> None:
    """Every compiled module is for CPython 3.13 on aarch64."""
    compiled = list(packages.rglob("*.so*"))
    assert [path.parent.name for path in compiled] == ["msgspec"]
    for path in compiled:
        assert ".cpython-313-aarch64-" in path.name
        header = path.read_bytes()[:20]
        assert header[:4] == b"\x7fELF"
        assert int.from_bytes(header[18:20], "little") == ELF_MACHINE_AARCH64


def test_layer_can_make_every_client(packages: Path) -> None:
    """With the layer alone, without this environment's packages, all our services have the operations that we call."""
    script = (
        "import json, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "import boto3, aws_lambda_powertools\n"
        "from boto3.dynamodb.types import TypeSerializer\n"
        "from aws_lambda_powertools import Logger, Metrics\n"
        "assert boto3.__file__.startswith(sys.argv[1])\n"
        "session = boto3.Session('key', 'secret', region_name='eu-central-1')\n"
        "for service, operations in json.loads(sys.argv[2]).items():\n"
        "    client = session.client(service)\n"
        "    assert 'eu-central-1' in client.meta.endpoint_url\n"
        "    assert {*client.meta.method_to_api_mapping.values()} == {*operations}\n"
    )
    operations = json.dumps(botocore_data.OPERATIONS)
    command = [sys.executable, "-I", "-S", "-B", "-c", script, str(packages), operations]
    subprocess.run(command, check=True, env={})


def test_layer_imports_nothing_that_only_documentation_needs(packages: Path) -> None:
    """Nor what HTTP/2 and other dates would need. All are there when they are asked for."""
    script = (
        "import sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "import botocore.session, urllib3\n"
        "from aws_lambda_powertools import Logger, Metrics\n"
        "session = botocore.session.Session()\n"
        "client = session.create_client('sqs', 'eu-central-1', aws_access_key_id='x', aws_secret_access_key='x')\n"
        "assert not {'importlib.metadata', 'botocore.docs.service', 'dateutil.parser'} & sys.modules.keys()\n"
        "assert 'QueueUrl' in str(client.send_message.__doc__)\n"
        "import botocore.credentials, botocore.utils\n"
        "assert botocore.utils.parse_timestamp('2026-11-20T12:00:00Z').hour == 12\n"
        "assert botocore.credentials._parse_if_needed('2026-11-20T12:00:00Z').hour == 12\n"
        "import importlib.metadata, urllib3.http2\n"
        "try:\n"
        "    urllib3.http2.inject_into_urllib3()\n"
        "except importlib.metadata.PackageNotFoundError as error:\n"
        "    assert error.name == 'h2'\n"
        "else:\n"
        "    raise AssertionError('there is no h2')\n"
    )
    subprocess.run([sys.executable, "-I", "-S", "-B", "-c", script, str(packages)], check=True, env={})


def test_bundle_fits_lambda(code: Path, packages: Path) -> None:
    """Code and layer together stay far below Lambda's limit."""
    size_bytes = sum(path.stat().st_size for folder in (code, packages) for path in folder.rglob("*") if path.is_file())
    print(f"code and layer, unzipped: {size_bytes / 1024 / 1024:.1f} MB")  # noqa: T201 (pytest -s shows it)
    assert size_bytes < LAMBDA_LIMIT_BYTES / 10


def test_a_layer_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer that is in the cache is used as it is."""
    (tmp_path / layer.layer_digest()).mkdir()
    monkeypatch.setattr(layer, "_installer", lambda: pytest.fail("built again"))
    assert layer.build_layer(tmp_path) == tmp_path / layer.layer_digest()


def test_a_failed_build_says_what_to_do_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network the error names the reason and the way around, and no half layer stays in the cache."""
    monkeypatch.setattr(layer, "_installer", lambda: [sys.executable, "-c", "raise SystemExit('no route to host')"])
    with pytest.raises(SynthError, match=r"(?s)network.*layer=off.*no route to host"):
        layer.build_layer(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_changed_lock_is_another_layer(tmp_path: Path) -> None:
    """The layer's identity follows the lock."""
    lock = tmp_path / "requirements-layer.txt"
    lock.write_text(layer.LOCK.read_text() + "\n")
    assert layer.layer_digest(lock) != layer.layer_digest()


@pytest.mark.fault(64)
def test_lock_has_hashes_and_no_index() -> None:
    """Every package is pinned with its hashes, and the lock names no index and no path of a machine."""
    text = layer.LOCK.read_text()
    assert len(re.findall(r"==\S+ \\\n    --hash=sha256:", text)) == len(_locked())
    assert "://" not in text
    assert "index-url" not in text
    assert not re.search(r"(?m)\s/\w", text)


def _model(service: str) -> dict[str, Any]:
    (path,) = (BOTOCORE_DATA / service).glob("*/service-2.json.gz")
    model: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return model


def test_layer_has_every_operation_that_functions_call() -> None:
    """Whatever messaging/ and lambdas/ look up under the name of an operation of our services is in the layer."""
    ours = [path for package in ("messaging", "lambdas") for path in (ROOT / package).rglob("*.py")]
    nodes = [node for path in ours for node in ast.walk(ast.parse(path.read_text()))]
    called = {node.func.attr for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}
    assert {"send_message", "batch_get_item"} <= called
    for service, operations in botocore_data.OPERATIONS.items():
        of_service = {xform_name(name): name for name in _model(service)["operations"]}
        missing = {of_service[name] for name in called & of_service.keys()} - {*operations}
        assert not missing, f"add to OPERATIONS[{service!r}]: {sorted(missing)}"


@pytest.mark.parametrize("service", botocore_data.OPERATIONS)
def test_a_reduced_model_is_the_same_for_what_it_keeps(service: str) -> None:
    """Of the kept operations nothing is lost but documentation; every shape that one reaches is there."""
    model = _model(service)
    reduced = botocore_data.reduced_model(model, botocore_data.OPERATIONS[service])
    assert sorted(reduced["operations"]) == sorted(botocore_data.OPERATIONS[service])
    for part in ("operations", "shapes"):
        for name, kept in reduced[part].items():
            assert kept == _without_text(model[part][name])
    named = set(re.findall(r'"shape": "(\w+)"', json.dumps(reduced)))
    assert named <= reduced["shapes"].keys()


def _without_text(node: Any) -> Any:
    if isinstance(node, dict):
        texts = [name for name, part in node.items() if name == "documentation" and isinstance(part, str)]
        return {name: _without_text(part) for name, part in node.items() if name not in texts}
    return [_without_text(part) for part in node] if isinstance(node, list) else node


def test_reducing_leaves_files_alone_that_are_linked_elsewhere(tmp_path: Path) -> None:
    """An installer may link what it installs to its own cache, which must stay as it was."""
    cached, installed = tmp_path / "cached", tmp_path / "installed"
    names = [path.name for path in BOTOCORE_DATA.glob("*.json")]
    for name in (*names, *botocore_data.OPERATIONS):
        source = BOTOCORE_DATA / name
        if source.is_dir():
            shutil.copytree(source, cached / name)
        else:
            cached.mkdir(exist_ok=True)
            shutil.copy(source, cached)
    before = {path: path.read_bytes() for path in cached.rglob("*") if path.is_file()}
    shutil.copytree(cached, installed, copy_function=os.link)
    botocore_data.reduce_data(installed)
    assert {path: path.read_bytes() for path in cached.rglob("*") if path.is_file()} == before
    assert (installed / "endpoints.json").stat().st_size < (cached / "endpoints.json").stat().st_size / 10


def test_compiled_modules_are_used_whatever_their_dates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zip files reset times of change, and nothing may be compiled again: the source is not even read."""
    monkeypatch.setattr(bytecode, "compiler", lambda: sys.executable)
    (tmp_path / "here.py").write_text("compiled = True")
    bytecode.compile_folder(tmp_path)
    (tmp_path / "here.py").write_text("not Python")
    os.utime(tmp_path / "here.py", (0, 0))
    script = "import sys; sys.path.insert(0, sys.argv[1]); import here; assert here.compiled"
    subprocess.run([sys.executable, "-I", "-c", script, str(tmp_path)], check=True)
    (compiled,) = tmp_path.rglob("*.pyc")
    assert str(tmp_path).encode() not in compiled.read_bytes()


def test_without_a_compiler_the_asset_is_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is compiled then, and a synth that can will replace it."""
    monkeypatch.setattr(bytecode, "compiler", lambda: None)
    (tmp_path / "here.py").touch()
    bytecode.compile_folder(tmp_path)
    assert os.listdir(tmp_path) == ["here.py"]
    uncompiled = layer.layer_digest()
    monkeypatch.setattr(bytecode, "compiler", lambda: sys.executable)
    assert layer.layer_digest() != uncompiled


@pytest.mark.parametrize(("compiler", "warned"), [(None, True), (sys.executable, False)])
def test_a_synth_that_cannot_compile_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiler: str | None, warned: bool
) -> None:
    """Cold starts more than twice as long are nothing to be silent about."""
    layer = tmp_path / "layer"
    (layer / "python").mkdir(parents=True)
    monkeypatch.setattr("stacks.bundle.build_layer", lambda: layer)
    monkeypatch.setattr(bytecode, "compiler", lambda: compiler)
    monkeypatch.setattr(bytecode, "compile_folder", lambda folder: None)
    warnings = synthesize(tmp_path / "out", layer="on", mail_from=MAIL_FROM).messages("consumers")
    assert any("no Python 3.13 here" in each for each in warnings) is warned


def test_the_compiler_is_a_program_on_the_path_and_no_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pyenv puts a script of that name there whether it has the version or not."""
    for folder, content in (("shims", b"#!/bin/sh\n"), ("bin", b"\x7fELF")):
        (tmp_path / folder).mkdir()
        program = tmp_path / folder / "python3.13"
        program.write_bytes(content)
        program.chmod(0o755)
    monkeypatch.setattr(sys, "version_info", (3, 11, 0))
    monkeypatch.setenv("PATH", os.pathsep.join(str(tmp_path / folder) for folder in ("nowhere", "shims", "bin")))
    assert bytecode.compiler.__wrapped__() == str(tmp_path / "bin" / "python3.13")
    monkeypatch.setenv("PATH", str(tmp_path / "shims"))
    assert bytecode.compiler.__wrapped__() is None
