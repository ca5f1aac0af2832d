"""Desks of real processes, as the system tests have them."""

from tests.system.conftest import data, desk, tape, whole

__all__ = ["data", "desk", "tape", "whole"]
