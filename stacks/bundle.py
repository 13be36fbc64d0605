"""What a function runs: the code asset, and the layer of its dependencies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aws_cdk import AssetHashType, AssetStaging, FileAssetLocation, FileAssetPackaging, IgnoreMode, Stack

from stacks import bytecode
from stacks.layer import ROOT, build_layer, layer_digest
from stacks.resources import add_resource

RUNTIME = f"python{bytecode.VERSION}"
ARCHITECTURE = "arm64"

# Anchored, and without a trailing `**`: ["*", "!lambdas/**"] gives an asset with nothing in it, and no error.
CODE_EXCLUDES = ("/*", "!/lambdas/", "!/messaging/", "__pycache__")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Shared by every function. `code_version` changes when the code does, and only then."""

    code: Mapping[str, str]  # CloudFormation's Code of a function
    code_version: str
    layer_arns: Sequence[str]

    @classmethod
    def of_project(cls, stack: Stack, *, with_layer: bool, root: Path = ROOT) -> Bundle:
        """The project's own code, and its dependencies unless the engine brings them (`-c layer=off`)."""
        staging = AssetStaging(
            stack, "Code", source_path=str(root), exclude=[*CODE_EXCLUDES], ignore_mode=IgnoreMode.GIT
        )
        # The engine runs functions on this machine's Python, which compiles for itself.
        source_hash = _compile(staging, root) if with_layer else staging.asset_hash
        asset = _add_asset(stack, staging, source_hash)
        return cls(
            code=_in_bucket(asset),
            code_version=staging.asset_hash[:12],
            layer_arns=[_make_layer(stack)] if with_layer else [],
        )


@cache
def _compile_once(staged: Path) -> None:
    """The CDK stages the code once for all stacks, in a folder of its hash."""
    bytecode.compile_folder(staged)


def _compile(staging: AssetStaging, root: Path) -> str:
    """Compile the staged code. Returns its hash as an asset, which is another where it can't be compiled."""
    staged = Path(staging.absolute_staged_path)
    if staged != root:  # with --no-staging it is the checkout itself
        _compile_once(staged)
    return hashlib.sha256(f"{staging.asset_hash} {bytecode.identity()}".encode()).hexdigest()


def _make_layer(stack: Stack) -> str:
    staging = AssetStaging(
        stack,
        "DependenciesCode",
        source_path=str(build_layer()),
        asset_hash=layer_digest(),
        asset_hash_type=AssetHashType.CUSTOM,
    )
    asset = _add_asset(stack, staging, staging.asset_hash)
    properties = {
        "Content": _in_bucket(asset),
        "CompatibleRuntimes": [RUNTIME],
        "CompatibleArchitectures": [ARCHITECTURE],
        "Description": "What requirements-layer.txt pins",
    }
    layer: str = add_resource(stack, "Dependencies", "AWS::Lambda::LayerVersion", properties).ref
    return layer


def _in_bucket(asset: FileAssetLocation) -> dict[str, str]:
    return {"S3Bucket": asset.bucket_name, "S3Key": asset.object_key}


def _add_asset(stack: Stack, staging: AssetStaging, source_hash: str) -> FileAssetLocation:
    """Staging alone: `aws_s3_assets.Asset` would import the bucket as a construct, a tenth of a second each synth."""
    return stack.synthesizer.add_file_asset(
        source_hash=source_hash,
        packaging=FileAssetPackaging.ZIP_DIRECTORY,
        file_name=staging.relative_staged_path(stack),
    )
