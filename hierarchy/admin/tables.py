"""Import and export in the administration: the pages of django-import-export behind the one door.

Importing needs `import_data` over the whole company and the right to change every kind of thing
the file writes; exporting needs `export_data`, and takes out only what the user sees and may take.
"""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from import_export.admin import ImportExportMixin

from accounts.addresses import client_address
from accounts.grants import grants_of
from accounts.models import Activity, Company
from accounts.services.activity import activity_record
from config.lib.tables.downloads import attachment, written_attachment
from config.lib.tables.errors import TableFileError
from config.lib.tables.formats import FORMATS
from config.lib.tables.uploads import UploadStorage
from config.lib.tables.writing import SheetToWrite
from hierarchy.tables.exporting import exportable, refuse_rows

from .table_forms import TableConfirmForm, TableExportForm, TableImportForm

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase

    from accounts.models import User
    from hierarchy.tables.resources import TableResource, TableResult

__all__ = ["TableAdmin"]

log = logging.getLogger(__name__)
_ERRORS_SALT = "hierarchy.admin.tables.errors"


class TableAdmin(ImportExportMixin):
    """Mixed into the admin of a model, before the base of all admins."""

    table_resources: ClassVar[tuple[type[TableResource], ...]]
    import_template_name = "admin/import_export/import.html"
    export_template_name = "admin/import_export/export.html"
    import_form_class = TableImportForm
    confirm_form_class = TableConfirmForm
    tmp_storage_class = UploadStorage
    from_encoding = None

    def init_change_list_template(self) -> None:
        """The buttons stand among the tools of the list, which keeps its own template."""
        self.ie_base_change_list_template = "admin/change_list.html"

    # Who may.

    def has_import_permission(self, request: HttpRequest) -> bool:
        grants = grants_of(request.user)
        may_change = grants.may(self.model.access.capability("change"))
        return may_change and self._import_companies(request).exists()

    def has_export_permission(self, request: HttpRequest) -> bool:
        grants = grants_of(request.user)
        may_view = grants.may(self.model.access.capability("view"))
        return may_view and self._export_companies(request).exists()

    def _import_companies(self, request: HttpRequest) -> QuerySet[Company]:
        grants = grants_of(request.user)
        return _companies("import_data" in grants.platform, grants.companies.get("import_data"))

    def _export_companies(self, request: HttpRequest) -> QuerySet[Company]:
        grants = grants_of(request.user)
        return _companies("export_data" in grants.platform, grants.company_ids("export_data"))

    # What the library asks.

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        name = "{}_{}".format(*self.get_model_info())
        own = [
            path("import/template/", wrap(self.template_view), name=f"{name}_import_template"),
            path("import/errors/", wrap(self.errors_view), name=f"{name}_import_errors"),
        ]
        return [*own, *super().get_urls()]

    def get_import_formats(self) -> list[Any]:
        return list(FORMATS)

    get_export_formats = get_import_formats

    def get_import_resource_classes(self, request: HttpRequest) -> Any:
        return self.table_resources

    get_export_resource_classes = get_import_resource_classes

    def get_import_resource_kwargs(self, request: HttpRequest, **options: Any) -> dict[str, Any]:
        form = options.get("form")
        company = None
        if form is not None and form.is_bound and hasattr(form, "cleaned_data"):
            company = self._company_of(request, form)
        return {"actor": request.user, "company": company, "ip": client_address(request) or None}

    def _company_of(self, request: HttpRequest, form: Any) -> Company:
        if isinstance(form, TableImportForm):
            return form.company_chosen
        found = self._import_companies(request).filter(pk=form.cleaned_data["company"]).first()
        if found is None:
            raise PermissionDenied
        return found

    def get_import_form_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        options: dict[str, Any] = super().get_import_form_kwargs(request)
        return {**options, "companies": self._import_companies(request)}

    def get_confirm_form_kwargs(self, request: HttpRequest, import_form: Any = None) -> Any:
        options = super().get_confirm_form_kwargs(request, import_form)
        return {**options, "bound_to": self._bound_to(request)}

    def get_confirm_form_initial(self, request: HttpRequest, import_form: Any) -> dict[str, Any]:
        if import_form is None:
            return {}
        values = super().get_confirm_form_initial(request, import_form)
        values["original_file_name"] = values["original_file_name"][:200]
        values["company"] = import_form.company_chosen.pk
        return {"token": TableConfirmForm.sign(values, bound_to=self._bound_to(request))}

    def _bound_to(self, request: HttpRequest) -> list[Any]:
        return [request.user.pk, self.opts.label_lower]

    def add_data_read_fail_error_to_form(self, form: Any, e: Exception) -> None:
        if not isinstance(e, TableFileError):
            log.exception("a table could not be read")
            e = TableFileError(_("The file can't be read. Save it in another format."))
        form.add_error("import_file", str(e))

    # Import.

    def import_action(self, request: HttpRequest, **options: Any) -> Any:
        response = super().import_action(request, **options)
        context = response.context_data
        form, result = context["form"], context.get("result")
        if "confirm_form" not in context:
            _forget_upload(form)
        return self._with_result(request, response, result)

    def process_import(self, request: HttpRequest, **options: Any) -> Any:
        try:
            return super().process_import(request, **options)
        except (FileNotFoundError, TableFileError):
            # Confirmed twice, or the folder was emptied meanwhile.
            messages.error(request, _("The file is gone. Upload it again."))
            return HttpResponseRedirect(self._url("import"))

    def process_result(self, result: TableResult, request: HttpRequest) -> Any:
        if not result.report.clean:
            context = {
                **self.admin_site.each_context(request),
                "title": _("Import"),
                "opts": self.opts,
                "form": self.import_form_class(
                    FORMATS, self.table_resources, companies=self._import_companies(request)
                ),
                "result": result,
            }
            response = TemplateResponse(request, [self.import_template_name], context)
            return self._with_result(request, response, result)
        return super().process_result(result, request)

    def add_success_message(self, result: TableResult, request: HttpRequest) -> None:
        report = result.report
        text = ngettext("%d row was imported.", "%d rows were imported.", report.rows)
        parts = [
            _("%(kind)s: %(new)d new, %(changed)d changed, %(unchanged)d unchanged")
            % {
                "kind": kind,
                "new": counts.new,
                "changed": counts.changed,
                "unchanged": counts.unchanged,
            }
            for kind, counts in report.summary()
        ]
        messages.success(request, f"{text % report.rows} {'; '.join(parts)}.")

    def _with_result(self, request: HttpRequest, response: Any, result: Any) -> Any:
        context = response.context_data
        context["tables"] = [
            {"label": resource.get_display_name(), "index": index, "tables": resource.tables()}
            for index, resource in enumerate(self.table_resources)
        ]
        context["formats"] = [
            {"index": index, "title": item.TITLE, "many": item.MANY_SHEETS}
            for index, item in enumerate(FORMATS)
        ]
        context["template_url"] = self._url("import_template")
        context["import_url"], context["confirm_url"] = (
            self._url("import"),
            self._url("process_import"),
        )
        if result is not None:
            report = result.report
            context["report"] = report
            context["shown_problems"] = report.problems[: settings.IMPORT_SHOWN_ERRORS]
            if report.problems:
                context["errors_url"] = self._errors_url(request, report.problems_csv())
        return response

    def _errors_url(self, request: HttpRequest, data: bytes) -> str:
        storage = UploadStorage()
        storage.save(data)
        token = signing.dumps([storage.name, self._bound_to(request)], salt=_ERRORS_SALT)
        return f"{self._url('import_errors')}?token={token}"

    def errors_view(self, request: HttpRequest) -> HttpResponse:
        """The list of errors of a check as a CSV, for whoever made the check."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        try:
            name, bound_to = signing.loads(
                request.GET.get("token", ""),
                salt=_ERRORS_SALT,
                max_age=settings.IMPORT_CONFIRM_SECONDS,
            )
            data = UploadStorage(name=name).read() if bound_to == self._bound_to(request) else None
        except (signing.BadSignature, FileNotFoundError) as error:
            raise Http404 from error
        if data is None:
            raise Http404
        return attachment(data, name="errors.csv", content_type="text/csv; charset=utf-8")

    def template_view(self, request: HttpRequest) -> HttpResponse:
        """An empty file with headings and one row as an example."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        resource = _chosen(self.table_resources, request.GET.get("resource"))
        format_ = _chosen(FORMATS, request.GET.get("format"))
        if len(resource.layouts) > 1 and not format_.MANY_SHEETS:
            raise Http404
        target = io.BytesIO()
        format_().write(target, [_empty_sheet(resource, table) for table in resource.tables()])
        name = f"{resource.layouts[0].table.name if len(resource.layouts) == 1 else 'sheets'}"
        return attachment(
            target.getvalue(),
            name=f"{name}-template.{format_.EXTENSION}",
            content_type=format_.CONTENT_TYPE,
        )

    # Export.

    def export_action(self, request: HttpRequest) -> HttpResponseBase:
        if not self.has_export_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_export_queryset(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(self._url("export"))
        form = TableExportForm(
            FORMATS,
            self.table_resources,
            companies=self._export_companies(request),
            data=request.POST or None,
        )
        if form.is_valid():
            try:
                return self._exported(request, form, rows)
            except TableFileError as error:
                form.add_error(None, str(error))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Export"),
            "opts": self.opts,
            "form": form,
        }
        return TemplateResponse(request, [self.export_template_name], context)

    def _exported(self, request: HttpRequest, form: Any, rows: Any) -> HttpResponseBase:
        company, resource_class = form.company_chosen, form.resource_chosen
        format_ = FORMATS[int(form.cleaned_data["format"])]
        # The list's own rows, as far as they may also be taken out.
        mine = rows.filter(pk__in=exportable(self.model, request.user).values("pk"))
        mine = mine.filter(company=company)
        if resource_class.of_list and mine.order_by()[settings.EXPORT_MAX_ROWS :].exists():
            refuse_rows()
        resource = resource_class(company=company, actor=request.user)
        # Columns of a DBF have short names for programs, so its values are for programs too.
        in_words = form.cleaned_data["headings"] == "words" and format_.EXTENSION != "dbf"
        sheets = resource.sheets(mine, in_words=in_words)
        kind = "sheets" if len(sheets) > 1 else sheets[0].title
        name = f"{company.code}-{kind}-{timezone.localdate():%Y-%m-%d}.{format_.EXTENSION}"
        response = written_attachment(
            request,
            lambda target: format_().write(target, sheets),
            name=name,
            content_type=format_.CONTENT_TYPE,
        )
        activity_record(
            user=cast("User", request.user),
            kind=Activity.Kind.EXPORT,
            detail=f"{resource_class.get_display_name()}: {name}",
            ip=client_address(request) or None,
            company=company,
        )
        return response

    def _url(self, page: str) -> str:
        return reverse("admin:{}_{}_{}".format(*self.get_model_info(), page))


def _companies(everywhere: bool, keys: Any) -> QuerySet[Company]:
    rows = Company.objects.filter(is_active=True).order_by("name")
    return rows if everywhere else rows.filter(pk__in=keys or ())


def _chosen(items: tuple[Any, ...], index: str | None) -> Any:
    if index is None or not index.isdecimal() or len(index) > 3 or int(index) >= len(items):
        raise Http404
    return items[int(index)]


def _forget_upload(form: Any) -> None:
    """Nothing is going to be confirmed, so nothing is kept."""
    file = getattr(form, "cleaned_data", {}).get("import_file")
    if name := getattr(file, "tmp_storage_name", ""):
        UploadStorage(name=name).remove()


def _empty_sheet(resource: type[TableResource], table: Any) -> SheetToWrite:
    columns = resource.template_columns(table)
    headings = [str(column.heading) for column in columns]
    return SheetToWrite(table.name, columns, headings, [[column.example for column in columns]])
