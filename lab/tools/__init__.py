"""The toolchain of the lab: found, downloaded or built, and kept in the user's cache directory."""

from lab.tools.report import ConsoleReport, QuietReport, Report
from lab.tools.resolver import Resolver, resolve
from lab.tools.toolchain import Toolchain

__all__ = ["ConsoleReport", "QuietReport", "Report", "Resolver", "Toolchain", "resolve"]
