"""The rows: what a restart must not lose. Nothing here decides; services write, selectors read."""

from threads.models.base import (
    MESSAGE_ID_LENGTH,
    AppendOnly,
    AppendOnlyRows,
    Work,
    choices,
)
from threads.models.mail import (
    Import,
    MailingList,
    Message,
    Missing,
    Person,
)
from threads.models.others import (
    Event,
    ForeignCheck,
    PatchDecision,
    Webhook,
    WebhookCall,
)
from threads.models.outbox import (
    Bounce,
    Consent,
    Delivery,
    Letter,
    MailStop,
    RuleMute,
)
from threads.models.people import (
    AuditEntry,
    Maintainer,
    Mark,
    Token,
    Watch,
)
from threads.models.runs import (
    Finding,
    FindingLife,
    Report,
    Run,
)
from threads.models.series import (
    Patch,
    Series,
    Submission,
    Topic,
)
from threads.models.trees import (
    Application,
    AppliedPatch,
    Overlap,
    TouchedPath,
    Tree,
)

__all__ = [
    "MESSAGE_ID_LENGTH",
    "AppendOnly",
    "AppendOnlyRows",
    "Application",
    "AppliedPatch",
    "AuditEntry",
    "Bounce",
    "Consent",
    "Delivery",
    "Event",
    "Finding",
    "FindingLife",
    "ForeignCheck",
    "Import",
    "Letter",
    "MailStop",
    "MailingList",
    "Maintainer",
    "Mark",
    "Message",
    "Missing",
    "Overlap",
    "Patch",
    "PatchDecision",
    "Person",
    "Report",
    "RuleMute",
    "Run",
    "Series",
    "Submission",
    "Token",
    "Topic",
    "TouchedPath",
    "Tree",
    "Watch",
    "Webhook",
    "WebhookCall",
    "Work",
    "choices",
]
