"""Sign-in, activation, second factor, one's own account, accounts of a territory.

Names that begin with ``mfa_`` and most with ``account_`` are those that django-allauth reverses.
"""

from __future__ import annotations

from allauth.account.views import ReauthenticateView
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from django.urls import URLPattern, URLResolver, path

from kalan.people import oidc
from kalan.people.views import accounts_manage as manage
from kalan.people.views import accounts_own as own
from kalan.people.views import accounts_register as registering
from kalan.people.views import accounts_roles as roles
from kalan.people.views import accounts_signin as door
from kalan.people.views import accounts_slips as slips

_T = "people/accounts/"

urlpatterns: list[URLPattern | URLResolver] = [
    path("connexion/", door.sign_in, name="account_login"),
    path("connexion/qui/", door.which_name, name="account_which_name"),
    path("connexion/annuler/", door.cancel_sign_in, name="account_cancel_sign_in"),
    path(
        "connexion/code/",
        mfa.AuthenticateView.as_view(template_name=f"{_T}code.html"),
        name="mfa_authenticate",
    ),
    path("connexion/fournisseur/<slug:provider_id>/", oidc.start, name="openid_connect_login"),
    path(
        "connexion/fournisseur/<slug:provider_id>/retour/",
        oidc.callback,
        name="openid_connect_callback",
    ),
    path("deconnexion/", door.sign_out, name="account_logout"),
    path("inscription/", registering.account_register, name="account_register"),
    path(
        "inscription/<str:token>/",
        registering.register_confirm,
        name="account_register_confirm",
    ),
    path("activer/", door.slip_code, name="account_slip_code"),
    path("activer/<str:code>/", door.activate_account, name="account_activate"),
    path("mon-espace/information/", own.notice, name="account_notice"),
    path("mon-espace/compte/", own.own_account, name="account_own"),
    path("mon-espace/compte/mot-de-passe/", own.own_password, name="account_change_password"),
    path("mon-espace/compte/telephone/", own.own_phone, name="account_phone"),
    path("mon-espace/compte/e-mail/", own.own_email, name="account_email"),
    path("mon-espace/compte/e-mail/<str:token>/", own.confirm_email, name="account_confirm_email"),
    path("mon-espace/compte/appareils/", own.end_other_sessions, name="account_end_sessions"),
    path("compte/second-facteur/obligatoire/", own.must_enrol, name="account_must_enrol"),
    path(
        "compte/second-facteur/",
        mfa.IndexView.as_view(template_name=f"{_T}factors.html"),
        name="mfa_index",
    ),
    path(
        "compte/confirmer/",
        ReauthenticateView.as_view(template_name=f"{_T}reauthenticate.html"),
        name="account_reauthenticate",
    ),
    path(
        "compte/confirmer/code/",
        mfa.ReauthenticateView.as_view(template_name=f"{_T}reauthenticate.html"),
        name="mfa_reauthenticate",
    ),
    path(
        "compte/confirmer/cle/",
        passkeys.ReauthenticateWebAuthnView.as_view(
            template_name=f"{_T}reauthenticate_passkey.html"
        ),
        name="mfa_reauthenticate_webauthn",
    ),
    path(
        "compte/second-facteur/application/",
        totp.ActivateTOTPView.as_view(template_name=f"{_T}totp_activate.html"),
        name="mfa_activate_totp",
    ),
    path(
        "compte/second-facteur/application/retirer/",
        totp.DeactivateTOTPView.as_view(template_name=f"{_T}totp_deactivate.html"),
        name="mfa_deactivate_totp",
    ),
    path(
        "compte/second-facteur/codes/",
        codes.ViewRecoveryCodesView.as_view(template_name=f"{_T}codes.html"),
        name="mfa_view_recovery_codes",
    ),
    path(
        "compte/second-facteur/codes/nouveaux/",
        codes.GenerateRecoveryCodesView.as_view(template_name=f"{_T}codes_new.html"),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "compte/second-facteur/cles/",
        passkeys.ListWebAuthnView.as_view(template_name=f"{_T}passkeys.html"),
        name="mfa_list_webauthn",
    ),
    path(
        "compte/second-facteur/cles/ajouter/",
        passkeys.AddWebAuthnView.as_view(template_name=f"{_T}passkey_add.html"),
        name="mfa_add_webauthn",
    ),
    path(
        "compte/second-facteur/cles/<int:pk>/retirer/",
        passkeys.RemoveWebAuthnView.as_view(template_name=f"{_T}passkey_remove.html"),
        name="mfa_remove_webauthn",
    ),
    path("gestion/comptes/", manage.account_list, name="account-list"),
    path("gestion/comptes/nouveau/", manage.account_create, name="account-create"),
    path("gestion/comptes/fiches/", slips.slip_structures, name="slip-structures"),
    path("gestion/comptes/fiches/<uuid:uid>/", slips.slip_structure, name="slip-structure"),
    path("gestion/comptes/<uuid:uid>/", manage.account_detail, name="account-detail"),
    path("gestion/comptes/<uuid:uid>/fiche/", slips.slip_new, name="account-slip"),
    path("gestion/comptes/<uuid:uid>/coordonnees/", manage.account_contact, name="account-contact"),
    path(
        "gestion/comptes/<uuid:uid>/telephone/",
        manage.account_verify_phone,
        name="account-verify-phone",
    ),
    path("gestion/comptes/<uuid:uid>/desactiver/", manage.account_close, name="account-close"),
    path("gestion/comptes/<uuid:uid>/reactiver/", manage.account_reopen, name="account-reopen"),
    path(
        "gestion/comptes/<uuid:uid>/second-facteur/",
        manage.account_reset_factor,
        name="account-reset-factor",
    ),
    path("gestion/comptes/<uuid:uid>/roles/nouveau/", roles.role_new, name="role-new"),
    path("gestion/comptes/<uuid:uid>/roles/<uuid:grant>/retirer/", roles.role_end, name="role-end"),
]
