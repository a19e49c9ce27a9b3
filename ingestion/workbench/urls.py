"""Addresses of the workbench within the administration, each behind its sign-in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.urls import path
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from . import actions, answers, pages

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite

__all__ = ["workbench_urls"]


def workbench_urls(site: AdminSite) -> list[Any]:
    """For the site's own list; names begin with workbench_."""
    wrap: Any = site.admin_view
    start = require_http_methods(["GET", "HEAD", "POST"])(partial(pages.start_page, site=site))
    bench = require_safe(partial(pages.version_page, site=site))
    compare = require_safe(partial(pages.compare_page, site=site))
    one = "workbench/<int:pk>/"
    return [
        path("workbench/", wrap(start), name="workbench_start"),
        path("workbench/words/", wrap(require_POST(answers.words_answer)), name="workbench_words"),
        path(
            "workbench/frames/", wrap(require_safe(answers.frames_answer)), name="workbench_frames"
        ),
        path(
            "workbench/capture/",
            wrap(require_POST(answers.capture_answer)),
            name="workbench_capture",
        ),
        path(one, wrap(bench), name="workbench_version"),
        path(f"{one}check/", wrap(require_POST(answers.check_answer)), name="workbench_check"),
        path(f"{one}save/", wrap(require_POST(actions.save)), name="workbench_save"),
        path(f"{one}change/", wrap(require_POST(actions.change)), name="workbench_change"),
        path(f"{one}copy/", wrap(require_POST(actions.duplicate)), name="workbench_copy"),
        path(f"{one}compare/", wrap(compare), name="workbench_compare"),
        path(f"{one}export/", wrap(require_safe(pages.export_file)), name="workbench_export"),
    ]
