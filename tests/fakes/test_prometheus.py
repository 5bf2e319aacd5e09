"""Prometheus behind basic authentication, with a password that changes while it runs."""

from __future__ import annotations

import httpx
import pytest

from tests.fakes.prometheus import USER, Prometheus

pytestmark = pytest.mark.service


def status(prometheus: Prometheus, password: str) -> int:
    with httpx.Client(trust_env=False, auth=(USER, password)) as http:
        return http.get(prometheus.url + prometheus.config["testPath"]).status_code


def test_only_the_present_password_opens_the_api(prometheus: Prometheus):
    first = prometheus.password
    assert (status(prometheus, first), status(prometheus, "wrong")) == (200, 401)

    prometheus.set_password("another")

    assert (status(prometheus, first), status(prometheus, "another")) == (401, 200)
