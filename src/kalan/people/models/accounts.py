"""Who signs in, by what, and with which roles where."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q

from kalan.base.ids import uuid7
from kalan.people.models.org import OrgNode
from kalan.people.models.workforce import Agent, Cadre, Post


class AccountManager(BaseUserManager["Account"]):
    """Django's manager contract; people write through services."""

    def create_user(self, *, password: str | None = None, **fields: Any) -> Account:
        account = self.model(**fields)
        account.set_password(password)
        account.save(using=self._db)
        return account

    def get_by_natural_key(self, username: str | None) -> Account:
        return self.get(uid=username or "")


class Account(AbstractBaseUser):
    """Someone who signs in, by e-mail, matricule of the linked agent, or verified phone.

    ``email`` is held to be verified: a manager entered it, or the person confirmed it by a link.
    """

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    email = models.EmailField(null=True, blank=True, unique=True)  # stored in lower case
    phone = models.CharField(max_length=20, blank=True, db_index=True)  # E.164
    phone_verified_at = models.DateTimeField(null=True, blank=True)
    display_name = models.CharField(max_length=200)
    agent = models.OneToOneField(
        Agent, null=True, blank=True, on_delete=models.SET_NULL, related_name="account"
    )
    is_active = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)
    # Signatories and administrators must have one; set by the service that grants such a role.
    second_factor_required = models.BooleanField(default=False)
    notice_seen_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    # An independent professional who opened it alone: no agent, a cadre by their own word, and a
    # phone that identifies them though nobody verified it (services.accounts_register).
    self_registered = models.BooleanField(default=False)
    cadre = models.ForeignKey(
        Cadre, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    USERNAME_FIELD = "uid"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = AccountManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(email__isnull=True) | ~Q(email=""), name="account_email_not_empty"
            ),
        ]

    def __str__(self) -> str:
        return self.display_name


class ActivationSlip(models.Model):
    """A printed code that opens an account for the first time, or anew when access is lost.

    Only a hash is kept (HMAC-SHA-256 with the server's key). Printing a new slip ends the old one.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="slips")
    code_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)


class Role(models.TextChoices):
    TRAINER = "trainer", "formateur"
    STRUCTURE = "structure", "responsable de structure"
    REGION = "region", "responsable régional"
    PROGRAMME = "programme", "responsable de programme"
    AUTHOR = "author", "auteur"
    SIGNATORY = "signatory", "signataire"
    AUDITOR = "auditor", "auditeur"
    ADMIN = "admin", "administrateur"


class RoleGrant(models.Model):
    """A role on a node and all below it, from ``start`` to ``end`` (both included).

    A grant tied to a post ends when that post ends. A withdrawn grant (``revoked_at``) gives
    nothing from that instant on.
    """

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=10, choices=Role.choices)
    node = models.ForeignKey(OrgNode, on_delete=models.PROTECT, related_name="grants")
    post = models.ForeignKey(Post, null=True, blank=True, on_delete=models.SET_NULL)
    start = models.DateField()
    end = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    granted_by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    granted_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    revoke_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(end__isnull=True) | Q(end__gte=F("start")), name="grant_order"
            ),
            models.CheckConstraint(
                condition=Q(role__in=[value for value, _ in Role.choices]), name="grant_role_known"
            ),
            models.UniqueConstraint(
                fields=["account", "role", "node", "start"],
                condition=Q(revoked_at__isnull=True),
                name="grant_once",
            ),
        ]


class SignInEvent(models.Model):
    """Acts around access (sign-in refused, second factor reset, slip printed): never edited."""

    account = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=40)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(db_index=True)


class Device(models.Model):
    """A session of an account, for its list of devices. Rows of ended sessions go at sign-in."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="devices")
    session_key = models.CharField(max_length=40, unique=True)
    user_agent = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=45, blank=True)
    created_at = models.DateTimeField()


class AttemptWindow(models.Model):
    """Failed attempts on one thing (an account, an identifier, an address) until ``until``.

    A table and not the cache: the count is raised by one UPDATE, so attempts made at the same
    instant on several servers are all counted. ``key`` is an HMAC: no identifier is kept here.
    """

    key = models.CharField(max_length=64, unique=True)
    count = models.PositiveIntegerField(default=0)
    until = models.DateTimeField(db_index=True)
