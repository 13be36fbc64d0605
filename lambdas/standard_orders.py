"""Writes standard orders, promised within 28 days."""

from __future__ import annotations

from lambdas.orders import order_writer
from lambdas.runtime import lambda_handler

handler = lambda_handler(order_writer(promise_days=28))
