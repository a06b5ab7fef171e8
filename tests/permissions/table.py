"""Who may open which address: one line per URL name. A URL without a line fails the tests.

To add one, pick the shape of patterns.py that fits, name the roles, and for a page about an
object name the object (an attribute of world.Place; add it there if it is missing):

    "agent-list": STAFF_LIST("structure", "region", "programme", "auditor", "admin"),
    "agent-detail": DETAIL("structure", "region", of="agent"),
    "agent-end-post": ACTION("structure", "region", of="agent", data={"end": "2023-03-31"}),

The roles are written out and not taken from policy.py, on purpose: a change there must be seen
here too. Namespaced names are written with a colon.
"""

from __future__ import annotations

from tests.permissions.patterns import (
    ACTION,
    ALL,
    DETAIL,
    FILE,
    PUBLIC,
    SIGNED_IN,
    STAFF_LIST,
    Row,
)

MARKERS = ("trainer", "region", "programme", "admin")
NOBODY_SPECIAL = ALL - {"agent"}
# Roles that ask for a second factor: in the world of the tests they have one.
WITH_FACTOR = frozenset({"signatory", "admin", "national"})

IMPORTERS = ("region", "programme", "admin")
TERRITORY = ("region", "admin")  # those who shape the tree and merge
SAME = "?a={agent.uid}&b={twin.uid}"
SAME_STRUCTURES = "?a={structure.uid}&b={other_structure.uid}"

PEOPLE_READERS = ("structure", "region", "programme", "auditor", "admin")
STRUCTURE_READERS = (*PEOPLE_READERS, "trainer")
SESSION_READERS = STRUCTURE_READERS
PLANNERS = ("region", "programme", "admin")
CAMPAIGNERS = ("structure", "region", "programme", "admin")
HOLDERS = PLANNERS  # the campaign of the world is held by the region, not by its structure
COST_READERS = ("programme", "auditor", "admin")

EXAM_READERS = ("trainer", "region", "programme", "auditor", "admin")
JURY = ("programme", "admin")
TEST_READERS = (*PEOPLE_READERS, "author", "trainer")
MAKERS = ("author", "programme", "admin")
FRAMEWORK_READERS = NOBODY_SPECIAL - {"signatory", "national"}
NODE = {"uid": "framework", "node": "domain"}
NODE_PARENT = {"uid": "framework", "parent": "domain"}
WALK = {"uid": "framework", "other": "other_framework"}

ACT_READERS = ("structure", "region", "programme", "auditor", "admin", "signatory")
PREPARERS = ("structure", "region", "programme", "admin")
OFFICE_READERS = ("programme", "auditor", "admin", "signatory")
DRAFT_ACT = {"uid": "draft_batch", "act": "draft_act"}
EXCLUDED_ACT = {"uid": "draft_batch", "act": "excluded_act"}
SIGNED_ACT = {"uid": "signed_batch", "act": "act"}
BUNDLE = {"uid": "signed_batch", "job": "bundle"}

CALIBRATED = {"uid": "calibration", "test": "test"}

TABLE: dict[str, Row] = {
    # --- web
    "home": PUBLIC(),
    # --- acts: what the world sees
    "verify": PUBLIC(),
    "verify-code": PUBLIC(of={"code": "act_code"}),
    "verify-document": PUBLIC(ok=404, of={"code": "act_code"}, html=False),
    "verify-offline": PUBLIC(),
    "verify-worker": PUBLIC(html=False),
    "verify-keys": PUBLIC(html=False),
    "verify-revoked": PUBLIC(ok=503, html=False),  # there is no key to sign it with
    "did": PUBLIC(html=False),
    "verify-authority": PUBLIC(html=False),
    "verify-status": PUBLIC(ok=404, of={"number": "act_list"}, html=False),
    "verify-badge": PUBLIC(of={"uid": "act_version"}),
    # --- acts: their holders
    "my-acts": SIGNED_IN(),
    "my-act-file": SIGNED_IN(ok=404, of="act", html=False),  # nobody here is its holder
    "my-act-badge": SIGNED_IN(ok=404, of={"uid": "act", "form": "act_badge"}, html=False),
    "my-act-share": SIGNED_IN(ok=404, of="act", method="post", html=False),
    "act-link": PUBLIC(of={"key": "act_key"}),
    # --- acts: after issue
    "act-statistics": STAFF_LIST(*PEOPLE_READERS, "signatory"),
    "act-renewals": STAFF_LIST(*ACT_READERS),
    "act-renewal-offer": STAFF_LIST(*PREPARERS, query="?acte={act.uid}"),
    "act-detail": DETAIL(*PEOPLE_READERS, "signatory", of="act"),
    "act-revoke": DETAIL("programme", "signatory", "admin", of="act"),
    "act-reinstate": DETAIL("programme", "signatory", "admin", of="act"),
    # The structure's manager sees the act of their people; what changes it is the region's.
    "act-replace": DETAIL("region", "programme", "admin", of="act"),
    "act-deliver": DETAIL("region", "programme", "admin", of="signed_batch"),
    # --- acts: batches
    "act-batch-list": STAFF_LIST(*ACT_READERS),
    "act-batch-new": STAFF_LIST(*PREPARERS),
    "act-batch-create": DETAIL(*PREPARERS, of={"template": "act_template"}),
    "act-batch": DETAIL(*ACT_READERS, of="draft_batch"),
    "act-batch-refresh": ACTION(*PREPARERS, of="draft_batch"),
    "act-batch-hand-over": ACTION(*PREPARERS, of="draft_batch"),
    "act-batch-cancel": DETAIL(*PREPARERS, of="draft_batch"),
    "act-exclude": DETAIL(*PREPARERS, of=DRAFT_ACT),
    "act-include": DETAIL(*PREPARERS, of=EXCLUDED_ACT),
    "act-preview": FILE(*ACT_READERS, of=DRAFT_ACT),
    "act-picture": FILE(*ACT_READERS, of=DRAFT_ACT),
    "act-batch-visa": DETAIL(*PLANNERS, of="checked_batch"),
    "act-batch-send-back": DETAIL(*PLANNERS, "signatory", of="checked_batch"),
    # --- acts: once signed
    "act-file": FILE(*ACT_READERS, of=SIGNED_ACT),
    "act-batch-bundles": DETAIL(*PREPARERS, of="signed_batch"),
    "act-bundle": DETAIL("region", of=BUNDLE),
    "act-bundle-file": FILE("region", of=BUNDLE),
    "act-batch-hand-signed": DETAIL(*PLANNERS, "signatory", of="signed_batch"),
    # --- acts: the tray
    "signing-tray": STAFF_LIST("signatory"),
    "signing-confirm": STAFF_LIST("signatory", query="?lot={approved.uid}"),
    "signing-run": DETAIL(*PLANNERS, "auditor", "signatory", of="signing_run"),
    "signing-retry": DETAIL(*PLANNERS, "signatory", of="signing_run"),
    "signing-give-up": DETAIL(*PLANNERS, "signatory", of={"uid": "signing_run", "act": "act"}),
    # --- acts: offices, keys, register
    "office-list": STAFF_LIST(*OFFICE_READERS),
    "office-new": STAFF_LIST("admin"),
    "office-detail": DETAIL(*OFFICE_READERS, of="office"),
    "office-edit": DETAIL("admin", of="office"),
    "office-retire": DETAIL("admin", of="office"),
    "office-holder-new": DETAIL("admin", of="office"),
    "office-holder-end": DETAIL("admin", of={"uid": "office", "holder": "holder"}),
    "signing-key-list": STAFF_LIST("auditor", "admin"),
    "act-register": STAFF_LIST(*OFFICE_READERS),
    "act-register-check": ACTION(*OFFICE_READERS, ok=200),
    # --- acts: templates
    "act-template-list": STAFF_LIST(*ACT_READERS),
    "act-template-create": STAFF_LIST("national"),
    "act-template": DETAIL(*ACT_READERS, of={"uid": "act_template"}),
    "act-template-edit": DETAIL("admin", of={"uid": "act_template"}),
    "act-template-retire": DETAIL("admin", of={"uid": "act_template"}),
    "act-template-preview": FILE(
        *ACT_READERS, of={"uid": "act_template", "number": "template_number"}
    ),
    "my-space": SIGNED_IN(),
    "staff-home": STAFF_LIST(*NOBODY_SPECIAL),
    "history": STAFF_LIST("region", "programme", "auditor", "admin"),
    "display": PUBLIC(ok=302, html=False),
    "offline": PUBLIC(),
    "health": PUBLIC(),
    "healthz": PUBLIC(html=False),
    # --- duplicates and merges
    "duplicates": STAFF_LIST(*TERRITORY, of="kind"),
    "duplicate-search": ACTION(*TERRITORY, of="kind", outside=None),
    "duplicate-distinct": ACTION(*TERRITORY, of={"kind": "kind", "pk": "pair"}),
    "agent-merge": DETAIL(*TERRITORY, of={}, query=SAME),
    "structure-merge": DETAIL(*TERRITORY, of={}, query=SAME_STRUCTURES),
    "merges": STAFF_LIST(*TERRITORY),
    "merge-undo": DETAIL(*TERRITORY, of="merge"),
    # --- personal data
    "my-data": SIGNED_IN(),
    "my-data-copy": SIGNED_IN(html=False),
    "my-data-request": SIGNED_IN(ok=302, method="post", html=False),
    "data-requests": STAFF_LIST("admin"),
    "data-request": DETAIL("national", of="data_request", outside=None),
    "agent-erase": DETAIL("national", of="agent", outside=None),
    "processing-register": STAFF_LIST("national", "admin"),
    "processing-receipt": DETAIL("national", of="activity", outside=None),
    # --- accounts: the door
    "account_login": Row(allowed=ALL, ok=302, anonymous=200),
    "account_which_name": PUBLIC(ok=302, html=False),
    "account_cancel_sign_in": PUBLIC(ok=302, method="post", html=False),
    "mfa_authenticate": PUBLIC(ok=302, html=False),
    "openid_connect_login": PUBLIC(
        ok=404, of={"provider_id": "provider"}, method="post", html=False
    ),
    "openid_connect_callback": PUBLIC(ok=404, of={"provider_id": "provider"}, html=False),
    "account_logout": SIGNED_IN(),
    "account_slip_code": PUBLIC(),
    "account_activate": PUBLIC(of={"code": "slip_code"}),
    "account_register": Row(allowed=ALL, ok=302, anonymous=200),
    "account_register_confirm": PUBLIC(ok=404, of={"token": "token"}, html=False),
    # --- accounts: one's own
    "account_notice": SIGNED_IN(),
    "account_own": SIGNED_IN(),
    "account_change_password": SIGNED_IN(),
    "account_phone": SIGNED_IN(),
    "account_email": SIGNED_IN(),
    "account_confirm_email": SIGNED_IN(of={"token": "token"}),
    "account_end_sessions": SIGNED_IN(ok=302, method="post", html=False),
    "account_must_enrol": SIGNED_IN(ok=302, html=False),
    "mfa_index": SIGNED_IN(),
    "account_reauthenticate": SIGNED_IN(),
    "mfa_reauthenticate": Row(allowed=WITH_FACTOR, refused=302),
    "mfa_reauthenticate_webauthn": PUBLIC(ok=302, html=False),
    "mfa_activate_totp": Row(allowed=ALL - WITH_FACTOR, refused=302),
    "mfa_deactivate_totp": Row(allowed=WITH_FACTOR),
    "mfa_view_recovery_codes": SIGNED_IN(ok=404, html=False),
    "mfa_generate_recovery_codes": SIGNED_IN(),
    "mfa_list_webauthn": SIGNED_IN(),
    "mfa_add_webauthn": SIGNED_IN(),
    "mfa_remove_webauthn": SIGNED_IN(ok=404, of={"pk": "passkey"}, html=False),
    # --- accounts of a territory
    "account-list": STAFF_LIST("structure", "region", "admin"),
    "account-create": STAFF_LIST("admin"),
    "account-detail": DETAIL("structure", "region", "admin", of="account"),
    "account-slip": DETAIL("structure", "region", "admin", of="account"),
    "account-contact": DETAIL("structure", "region", "admin", of="account"),
    "account-verify-phone": DETAIL("structure", "region", "admin", of="account"),
    "account-close": DETAIL("structure", "region", "admin", of="account"),
    "account-reopen": DETAIL("structure", "region", "admin", of="account"),
    "account-reset-factor": DETAIL("admin", of="account"),
    "role-new": DETAIL("region", "admin", of="account"),
    "role-end": DETAIL("region", "admin", of={"uid": "account", "grant": "grant"}),
    "slip-structures": STAFF_LIST("structure", "region", "admin"),
    "slip-structure": DETAIL("structure", "region", "admin", of="structure"),
    "service-worker": PUBLIC(html=False),
    # --- skills: frameworks, which belong to no territory
    "framework-list": STAFF_LIST(*FRAMEWORK_READERS),
    "framework-create": STAFF_LIST("programme", "admin"),
    "framework-detail": DETAIL(*FRAMEWORK_READERS, of="framework", outside=None),
    "framework-edit": DETAIL("programme", "admin", of="framework", outside=None),
    "framework-version": DETAIL("programme", "admin", of="framework", outside=None),
    "framework-activate": DETAIL("programme", "admin", of="framework", outside=None),
    "framework-archive": DETAIL("programme", "admin", of="framework", outside=None),
    "framework-levels": DETAIL("programme", "admin", of="framework", outside=None),
    "framework-domain-create": DETAIL("programme", "admin", of="framework", outside=None),
    "framework-node-create": DETAIL("programme", "admin", of=NODE_PARENT, outside=None),
    "framework-node": DETAIL("programme", "admin", of=NODE, outside=None),
    "framework-node-remove": DETAIL("programme", "admin", of=NODE, outside=None),
    "framework-crosswalk": DETAIL(*FRAMEWORK_READERS, of=WALK, outside=None),
    # --- assessment: a learner's tests
    "test-list": SIGNED_IN(),
    "test-start": SIGNED_IN(ok=302, of="test", method="post", html=False),
    "test-play": PUBLIC(of="sitting"),
    "test-focus": PUBLIC(ok=204, of="sitting", method="post", html=False),
    # --- assessment: calibration
    "calibration-list": STAFF_LIST(*MAKERS, "auditor"),
    "calibration-new": STAFF_LIST(*MAKERS),
    "calibration-detail": DETAIL(*MAKERS, "auditor", of="calibration"),
    "calibration-adopt": DETAIL("programme", "admin", of="calibration"),
    "calibration-discard": DETAIL(*MAKERS, of="calibration"),
    "calibration-refreeze": DETAIL("programme", "admin", of=CALIBRATED),
    "calibration-rescore": DETAIL("programme", "admin", of=CALIBRATED),
    "calibration-count": ACTION(*MAKERS, of="calibrated_bank"),
    # --- skills: banks and questions
    "item-list": STAFF_LIST(*MAKERS),
    "item-banks": STAFF_LIST(*MAKERS),
    "item-bank-create": STAFF_LIST(*MAKERS),
    "item-bank": DETAIL(*MAKERS, of="bank"),
    "item-bank-edit": DETAIL(*MAKERS, of="bank"),
    "item-create": DETAIL("author", "admin", of="bank"),
    "item-import": DETAIL("author", "admin", of="bank"),
    # A file is its owner's: nobody of this world sent one (test_exchange.py).
    "item-import-check": DETAIL(of={"uid": "bank", "file": "scan"}, html=False),
    "item-export": STAFF_LIST(*MAKERS),
    "item-detail": DETAIL(*MAKERS, of="item"),
    "item-edit": DETAIL("author", "admin", of="item"),
    "item-review": ACTION(*MAKERS, of="item", ok=422),
    "item-activate": ACTION(*MAKERS, of="item"),
    "item-retire": DETAIL(*MAKERS, of="item"),
    "item-restore": ACTION(*MAKERS, of="item"),
    "item-media": PUBLIC(of="picture", html=False),
    # --- training: programmes
    "programme-list": STAFF_LIST(*PEOPLE_READERS),
    "programme-create": STAFF_LIST("programme", "admin"),
    "programme-detail": DETAIL(*PEOPLE_READERS, of="programme"),
    "programme-edit": DETAIL("programme", "admin", of="programme"),
    "programme-targets": DETAIL("programme", "admin", of="programme"),
    "programme-structures": DETAIL("programme", "admin", of="programme"),
    "programme-transport": DETAIL("programme", "admin", of="programme"),
    # --- training: sessions
    "session-list": STAFF_LIST(*SESSION_READERS),
    "session-plan": STAFF_LIST(*PLANNERS),
    "session-detail": DETAIL(*SESSION_READERS, of="session"),
    "session-edit": DETAIL(*PLANNERS, of="session"),
    "session-half-days": DETAIL(*PLANNERS, of="session"),
    "session-trainers": DETAIL(*PLANNERS, of="session"),
    "session-places": DETAIL(*PLANNERS, of="session"),
    "session-history": DETAIL(*SESSION_READERS, of="session"),
    "session-designate": DETAIL("structure", *PLANNERS, of="session"),
    "session-participants": DETAIL(*SESSION_READERS, of="session"),
    "session-outsider": DETAIL(*MARKERS, of="session"),
    "session-anonymous": DETAIL(*MARKERS, of="session"),
    "session-anonymous-edit": DETAIL(*MARKERS, of={"uid": "session", "count": "anonymous"}),
    "session-convoke": DETAIL(*PLANNERS, of="session"),
    "session-postpone": DETAIL(*PLANNERS, of="session"),
    "session-cancel": DETAIL(*PLANNERS, of="session"),
    "session-close": DETAIL(*MARKERS, of="session"),
    "session-reopen": DETAIL(*PLANNERS, of="session"),
    "session-validate": DETAIL("region", "admin", of="session"),
    # --- training: documents and money
    "session-sheet-pdf": FILE(*SESSION_READERS, of="session"),
    "session-convocations-pdf": FILE(*PLANNERS, of="session"),
    "session-report-pdf": FILE(*SESSION_READERS, of="session"),
    "session-calendar": FILE(*SESSION_READERS, of="session"),
    # Nobody of the table follows the session.
    "my-session-calendar": Row(allowed=frozenset(), of="session", html=False),
    "my-convocation": Row(allowed=frozenset(), of="session", html=False),
    "session-costs": DETAIL(*COST_READERS, of="session"),
    "cost-edit": DETAIL("programme", "admin", of={"uid": "session", "line": "cost"}),
    "cost-remove": DETAIL("programme", "admin", of={"uid": "session", "line": "cost"}),
    "session-payments": DETAIL("programme", "auditor", of="session"),
    "session-payments-pdf": FILE("programme", "auditor", of="session", ok=302),
    # --- training: messages
    "message-list": STAFF_LIST("region", "programme", "auditor", "admin"),
    "message-resend": ACTION(*PLANNERS, of="message"),
    "wording-list": STAFF_LIST("programme", "admin"),
    "wording-edit": Row(
        allowed=frozenset({"programme", "admin"}),
        of={"code": "wording_code", "channel": "wording_channel"},
    ),
    # --- training: attendance
    "attendance": DETAIL(*MARKERS, of="session"),
    # Refused to whoever does not speak the outbox's format; roles in test_attendance_screens.py.
    "attendance-sync": PUBLIC(ok=403, of="session", method="post", html=False),
    "attendance-walk-in": ACTION(*MARKERS, of="session", ok=422),
    "attendance-grid": DETAIL(*MARKERS, of="session"),
    "attendance-xlsx": FILE(*MARKERS, of="session"),
    "attendance-upload": DETAIL(*MARKERS, of="session"),
    # An upload is its owner's: nobody of this world made one (test_attendance_screens.py).
    "attendance-xlsx-check": DETAIL(of={"uid": "session", "file": "scan"}, html=False),
    "attendance-scans": DETAIL(*MARKERS, of="session"),
    "attendance-scan": FILE(*MARKERS, of={"uid": "session", "file": "scan"}),
    "attendance-scan-remove": DETAIL(*MARKERS, of={"uid": "session", "file": "scan"}),
    # --- training: satisfaction, resources
    "satisfaction-results": DETAIL(*MARKERS, "auditor", of="session"),
    "satisfaction-key": DETAIL(*MARKERS, of="session"),
    "satisfaction-code": PUBLIC(),
    "satisfaction": PUBLIC(of={"code": "link"}),
    "resource-list": SIGNED_IN(),
    "resources": SIGNED_IN(of={"code": "theme"}),
    "resource-file": SIGNED_IN(of={"code": "theme", "file": "handout_file"}, html=False),
    "resource-edit": STAFF_LIST("region", "programme", "admin", of={"code": "theme"}),
    "resource-remove": STAFF_LIST(
        "region", "programme", "admin", of={"code": "theme", "uid": "handout"}
    ),
    # --- training: tests before and after
    "session-tests": DETAIL(*MARKERS, "auditor", of="session"),
    "session-tests-choose": DETAIL(*MARKERS, of="session"),
    "session-test-slips": FILE(*MARKERS, of="session"),
    "session-test-paper": FILE(*MARKERS, of={"uid": "session", "moment": "test_moment"}),
    "session-test-key": DETAIL(*MARKERS, of={"uid": "session", "moment": "test_moment"}),
    "session-test-xlsx": FILE(*MARKERS, of={"uid": "session", "moment": "test_moment"}),
    "session-test-upload": DETAIL(*MARKERS, of={"uid": "session", "moment": "test_moment"}),
    "session-test-switch": ACTION(
        *MARKERS, of={"uid": "session", "moment": "test_moment", "act": "test_act"}
    ),
    "session-gain": DETAIL(*MARKERS, "auditor", of="session"),
    "session-gain-recount": ACTION(*MARKERS, of="session"),
    "session-test-join": PUBLIC(of={"code": "link"}),
    # Nobody of the table follows the session.
    "my-learning": Row(allowed=frozenset(), of="session", html=False),
    "my-test-start": Row(
        allowed=frozenset(),
        of={"uid": "session", "moment": "test_moment"},
        method="post",
        html=False,
    ),
    # --- training: gestures at work
    "session-gestures": DETAIL(*MARKERS, "structure", "auditor", of="session"),
    "observe": DETAIL(*MARKERS, of={"uid": "session", "moment": "moment", "line": "registration"}),
    "observe-grid": DETAIL(*MARKERS, of={"uid": "session", "moment": "moment"}),
    "observe-paper": FILE(*MARKERS, of={"uid": "session", "moment": "moment"}),
    "observation-due": STAFF_LIST("structure", "region", "admin"),
    # --- registry: structures
    "structure-list": STAFF_LIST(*STRUCTURE_READERS),
    "structure-detail": DETAIL(*STRUCTURE_READERS, of="structure"),
    "structure-new": STAFF_LIST("region", "admin"),
    "structure-edit": DETAIL("region", "admin", of="structure"),
    "structure-situation": DETAIL("region", "admin", of="structure"),
    "structure-close": DETAIL("region", "admin", of="structure"),
    "structure-reopen": ACTION("region", "admin", of="structure"),
    "structure-history": DETAIL("region", "programme", "auditor", "admin", of="structure"),
    "structure-code-add": DETAIL("region", "admin", of="structure"),
    "structure-code-remove": DETAIL(
        "region", "admin", of="structure", query="?source=msas&code={agent.last_name}"
    ),
    # --- registry: agents
    "agent-list": STAFF_LIST(*PEOPLE_READERS),
    "agent-reconcile-list": STAFF_LIST(*PEOPLE_READERS),
    "agent-new": STAFF_LIST("structure", "region", "admin"),
    "agent-detail": DETAIL(*PEOPLE_READERS, of="agent"),
    "agent-edit": DETAIL("structure", "region", "admin", of="agent"),
    "agent-confirm": DETAIL("structure", "region", "admin", of="agent"),
    "agent-history": DETAIL("region", "programme", "auditor", "admin", of="agent"),
    "post-new": DETAIL("structure", "region", "admin", of="agent"),
    "post-edit": DETAIL("structure", "region", "admin", of={"uid": "agent", "post_uid": "post"}),
    "post-end": DETAIL("structure", "region", "admin", of={"uid": "agent", "post_uid": "post"}),
    "cadre-list": STAFF_LIST(*STRUCTURE_READERS),
    # --- indicators
    "figures-page": PUBLIC(),
    "figures-json": PUBLIC(html=False),
    "dashboard": STAFF_LIST(*PEOPLE_READERS),
    "indicator-records": STAFF_LIST(*PEOPLE_READERS, of={"code": "indicator"}),
    "indicator-competences": STAFF_LIST(*PEOPLE_READERS),
    "indicator-competence-sittings": STAFF_LIST(*PEOPLE_READERS),
    "indicator-frequency": STAFF_LIST(*PEOPLE_READERS),
    "indicator-freezes": STAFF_LIST(*PEOPLE_READERS),
    "indicator-freeze-new": STAFF_LIST("programme", "admin"),
    # Its list names people of the whole programme, run above any one structure.
    "indicator-freeze": DETAIL("region", "programme", "auditor", "admin", of="freeze"),
    "indicator-freeze-publish": ACTION("programme", "admin", of="freeze"),
    "indicator-declared": STAFF_LIST(*PEOPLE_READERS),
    "indicator-declared-new": STAFF_LIST("programme", "admin"),
    "indicator-declared-document": FILE("region", "programme", "auditor", "admin", of="declared"),
    "indicator-declared-withdraw": DETAIL("programme", "admin", of="declared"),
    "indicator-denominators": STAFF_LIST(*PEOPLE_READERS),
    "indicator-denominator-new": STAFF_LIST("region", "programme", "admin"),
    "indicator-funder": STAFF_LIST(*PEOPLE_READERS),
    # A layout is its owner's: nobody of this world brought one (tests/indicators/test_funder.py).
    "indicator-funder-fill": DETAIL(of="freeze", html=False),
    # --- imports (what each kind asks for stands in tests/people/test_import_screens.py)
    "import-list": STAFF_LIST(*IMPORTERS),
    "import-new": STAFF_LIST(*IMPORTERS),
    "import-upload": STAFF_LIST(*TERRITORY, of={"code": "import_kind"}),
    "import-template": STAFF_LIST(*TERRITORY, of={"code": "import_kind"}, html=False),
    "import-detail": DETAIL(*TERRITORY, of="import_run"),
    "import-columns": DETAIL(*TERRITORY, of="import_run"),
    "import-names": DETAIL(*TERRITORY, of="import_run"),
    "import-rows": DETAIL(*TERRITORY, of={"uid": "import_run", "verdict": "import_tab"}),
    "import-decide": ACTION(*TERRITORY, of="import_run", data={"all": "skip"}),
    "import-apply": DETAIL(*TERRITORY, of="import_run"),
    "import-cancel": DETAIL(*TERRITORY, of="import_run"),
    "import-recheck": ACTION(*TERRITORY, of="import_run"),
    "import-report": FILE(*TERRITORY, of="import_run"),
    # --- exams: the candidate
    "exam-enter": SIGNED_IN(),
    "exam-candidate": DETAIL("agent", of="own_candidate"),
    "exam-call": DETAIL("agent", of="own_candidate"),
    # --- exams: planned, kept, judged
    "exam-list": STAFF_LIST(*EXAM_READERS),
    "exam-new": STAFF_LIST(*PLANNERS),
    "exam-detail": DETAIL(*EXAM_READERS, of="exam"),
    "exam-edit": DETAIL(*PLANNERS, of="exam"),
    "exam-delete": DETAIL(*PLANNERS, of="exam"),
    "exam-enrol": DETAIL(*PLANNERS, of="exam"),
    "exam-sheet": FILE(*EXAM_READERS, of="exam"),
    "exam-kit": FILE(*MARKERS, of="exam"),
    "exam-accommodate": DETAIL(*PLANNERS, of="candidate"),
    "exam-withdraw": DETAIL(*PLANNERS, of="candidate"),
    "exam-room": DETAIL(*MARKERS, of="exam"),
    "exam-room-state": FILE(*MARKERS, of="exam"),
    "exam-end": DETAIL(*MARKERS, of="exam"),
    "exam-candidate-file": DETAIL(*EXAM_READERS, of="own_candidate"),
    "exam-jury": DETAIL(*JURY, of="exam"),
    "exam-publish": DETAIL(*JURY, of="exam"),
    "exam-unpublish": DETAIL(*JURY, of="exam"),
    "exam-results": FILE(*JURY, of="exam"),
    "exam-minutes": FILE(*JURY, of="exam"),
    # --- the cut of a test
    "panel-list": DETAIL(*MAKERS, of="certification"),
    "panel-sheet": DETAIL(*MAKERS, of="panel"),
    "panel-judge": ACTION(*MAKERS, of="panel"),
    "panel-import": ACTION(*MAKERS, of="panel"),
    "panel-paper": FILE(*MAKERS, of="panel"),
    "panel-adopt": DETAIL(*JURY, of="panel"),
    # --- campaigns: taking part
    "campaign-code": PUBLIC(),
    "campaign-join": PUBLIC(of={"code": "campaign_code"}),
    # Nobody of the table is in the campaign yet (tests/campaigns/test_joining.py).
    "campaign-begin": ACTION(of={"code": "campaign_code", "rank": "campaign_rank"}, outside=None),
    "campaign-share": ACTION(of={"code": "campaign_code"}, outside=None),
    "campaign-leave": Row(allowed=frozenset(), of={"code": "campaign_code"}, html=False),
    "my-outside-results": SIGNED_IN(),
    # --- tests, the staff's side
    "tests-list": STAFF_LIST(*TEST_READERS),
    "tests-new": STAFF_LIST(*MAKERS),
    "tests-detail": DETAIL(*TEST_READERS, of="fixed_test"),
    "tests-edit": DETAIL(*MAKERS, of="draft_test"),
    "tests-try": ACTION(*MAKERS, of="draft_test"),
    "tests-publish": DETAIL("programme", "admin", of="draft_test"),
    "tests-refreeze": DETAIL("programme", "admin", of="test"),
    "tests-close": DETAIL("programme", "admin", of="test"),
    "tests-delete": DETAIL(*MAKERS, of="draft_test"),
    "tests-preview": DETAIL(*MAKERS, of="test"),
    "tests-forms": DETAIL(*MAKERS, of="fixed_test"),
    "tests-paper": FILE(*MAKERS, of={"uid": "fixed_test", "form": "test_form"}),
    "tests-key": FILE(*MAKERS, of={"uid": "fixed_test", "form": "test_form"}),
    # --- campaigns: preparing and following
    "campaign-list": STAFF_LIST(*PEOPLE_READERS),
    "campaign-new": STAFF_LIST(*CAMPAIGNERS),
    "campaign-detail": DETAIL(*PEOPLE_READERS, of="campaign"),
    "campaign-edit": DETAIL(*HOLDERS, of="campaign"),
    "campaign-group": DETAIL(*HOLDERS, of="campaign"),
    "campaign-rules": DETAIL(*HOLDERS, of="campaign"),
    "campaign-open": DETAIL(*HOLDERS, of="campaign"),
    "campaign-close": DETAIL(*HOLDERS, of="campaign"),
    "campaign-archive": DETAIL(*HOLDERS, of="campaign"),
    "campaign-delete": DETAIL(*HOLDERS, of="campaign"),
    "campaign-refresh": ACTION(*HOLDERS, of="campaign"),
    "campaign-people": DETAIL(*PEOPLE_READERS, of="campaign"),
    "campaign-person-remind": ACTION(
        *HOLDERS, of={"uid": "campaign", "participant": "participant"}
    ),
    "campaign-person-remove": DETAIL(
        *HOLDERS, of={"uid": "campaign", "participant": "participant"}
    ),
    "campaign-invite": DETAIL(*HOLDERS, of="campaign"),
    "campaign-remind": DETAIL(*HOLDERS, of="campaign"),
    "campaign-results": DETAIL(*PEOPLE_READERS, of="campaign"),
    "campaign-needs": DETAIL(*PEOPLE_READERS, of="campaign"),
    "campaign-kit": FILE(*PEOPLE_READERS, of="campaign"),
    "campaign-slips": FILE(*PEOPLE_READERS, of="campaign"),
    # --- results of other platforms
    "outside-list": STAFF_LIST(*PEOPLE_READERS),
    "agent-outside-results": DETAIL(*PEOPLE_READERS, of="agent"),
}
