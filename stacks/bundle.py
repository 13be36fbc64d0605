"""What a function runs: the code asset, and the layer of its dependencies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import AssetHashType, IgnoreMode
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.layer import ROOT, build_layer, layer_digest

# Anchored, and without a trailing `**`: ["*", "!lambdas/**"] gives an asset with nothing in it, and no error.
CODE_EXCLUDES = ("/*", "!/lambdas/", "!/messaging/", "__pycache__")

RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.ARM_64


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Shared by every function. `code_version` changes when the code does, and only then."""

    code: lambda_.Code
    code_version: str
    layers: Sequence[lambda_.LayerVersion]

    @classmethod
    def of_project(cls, scope: Construct, *, with_layer: bool, root: Path = ROOT) -> Bundle:
        """The project's own code, and its dependencies unless the engine brings them (`-c layer=off`)."""
        asset = s3_assets.Asset(scope, "Code", path=str(root), exclude=[*CODE_EXCLUDES], ignore_mode=IgnoreMode.GIT)
        return cls(
            code=lambda_.Code.from_bucket(asset.bucket, asset.s3_object_key),
            code_version=asset.asset_hash[:12],
            layers=[_dependencies(scope)] if with_layer else [],
        )


def _dependencies(scope: Construct) -> lambda_.LayerVersion:
    code = lambda_.Code.from_asset(str(build_layer()), asset_hash=layer_digest(), asset_hash_type=AssetHashType.CUSTOM)
    return lambda_.LayerVersion(
        scope,
        "Dependencies",
        code=code,
        compatible_runtimes=[RUNTIME],
        compatible_architectures=[ARCHITECTURE],
        description="What requirements-layer.txt pins",
    )
