"""audit."""

from __future__ import annotations

from console.pages.page import Page

PAGES: tuple[Page, ...] = ()
