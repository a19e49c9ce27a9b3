"""Pages of one's own account beside those of allauth."""

from django.urls import path

from . import views

urlpatterns = [
    path("invitations/", views.InvitationsView.as_view(), name="invitations"),
]
