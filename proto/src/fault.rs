//! Faults: everything a caller may learn about a failure.
//!
//! Reasons are stable; messages are for people and may change. No fault ever carries a secret or
//! a provider's raw body.

use std::time::Duration;

use tonic::Code;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal, $code:ident;)+) => {
        /// The stable reason of a failure (DESIGN section 12; `docs/errors.md`).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Reason {
            /// Every reason, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The text on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The gRPC code that always goes with it.
            pub const fn code(self) -> Code {
                match self { $(Self::$variant => Code::$code,)+ }
            }

            /// What it means, for the generated documentation.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ }
            }

            /// The reason of a text on the wire, if this build knows it.
            pub fn from_wire(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|reason| reason.as_str() == text)
            }
        }
    };
}

reasons! {
    /// The credential is missing, malformed, unknown, expired or revoked.
    CallerUnknown = "CALLER_UNKNOWN", Unauthenticated;
    /// The caller may not do this, or the workspace does not exist.
    Denied = "DENIED", PermissionDenied;
    /// A field is malformed or out of range.
    FieldInvalid = "FIELD_INVALID", InvalidArgument;
    /// The provider can't honour a field.
    FieldUnsupported = "FIELD_UNSUPPORTED", InvalidArgument;
    /// The provider says that the request is wrong.
    ProviderRejectedRequest = "PROVIDER_REJECTED_REQUEST", InvalidArgument;
    /// There is no such key.
    KeyNotFound = "KEY_NOT_FOUND", NotFound;
    /// There is no such workspace.
    WorkspaceNotFound = "WORKSPACE_NOT_FOUND", NotFound;
    /// There is no such member.
    MemberNotFound = "MEMBER_NOT_FOUND", NotFound;
    /// There is no such token.
    TokenNotFound = "TOKEN_NOT_FOUND", NotFound;
    /// There is no such call.
    CallNotFound = "CALL_NOT_FOUND", NotFound;
    /// The catalogue does not know the model and no provider was named.
    ModelUnknown = "MODEL_UNKNOWN", NotFound;
    /// No key may use the model, or the provider does not offer it.
    ModelNotAvailable = "MODEL_NOT_AVAILABLE", NotFound;
    /// There is no key that the call may use.
    NoKey = "NO_KEY", FailedPrecondition;
    /// All own keys are disabled or expired.
    KeyDisabled = "KEY_DISABLED", FailedPrecondition;
    /// The provider says that the key is bad.
    KeyRejected = "KEY_REJECTED", FailedPrecondition;
    /// The operator does not allow hosted calls.
    HostedNotAllowed = "HOSTED_NOT_ALLOWED", FailedPrecondition;
    /// On hosted keys nothing may be stored at the provider.
    HostedStateForbidden = "HOSTED_STATE_FORBIDDEN", FailedPrecondition;
    /// A hosted call for which no price is known.
    Unpriced = "UNPRICED", FailedPrecondition;
    /// The operator suspended the workspace.
    WorkspaceSuspended = "WORKSPACE_SUSPENDED", FailedPrecondition;
    /// The workspace is deleted.
    WorkspaceDeleted = "WORKSPACE_DELETED", FailedPrecondition;
    /// A workspace keeps at least one admin.
    LastAdmin = "LAST_ADMIN", FailedPrecondition;
    /// Something still uses it.
    InUse = "IN_USE", FailedPrecondition;
    /// A limit on the number of things is reached.
    LimitReached = "LIMIT_REACHED", FailedPrecondition;
    /// The operator switched it off.
    SwitchedOff = "SWITCHED_OFF", FailedPrecondition;
    /// Credit or quota of the key is used up.
    KeyExhausted = "KEY_EXHAUSTED", ResourceExhausted;
    /// The hosted spending limit is reached.
    SpendLimit = "SPEND_LIMIT", ResourceExhausted;
    /// The provider limits the key's rate.
    RateLimited = "RATE_LIMITED", ResourceExhausted;
    /// The hosted rate is limited.
    HostedRateLimited = "HOSTED_RATE_LIMITED", ResourceExhausted;
    /// Too many calls of the workspace are in flight.
    WorkspaceBusy = "WORKSPACE_BUSY", ResourceExhausted;
    /// The provider can't be reached or answers 5xx.
    ProviderUnavailable = "PROVIDER_UNAVAILABLE", Unavailable;
    /// The provider did not answer in time.
    ProviderTimeout = "PROVIDER_TIMEOUT", Unavailable;
    /// The provider's answer broke off.
    StreamTruncated = "STREAM_TRUNCATED", Unavailable;
    /// The vault can't be reached.
    VaultUnavailable = "VAULT_UNAVAILABLE", Unavailable;
    /// The ledger can't be written.
    LedgerUnavailable = "LEDGER_UNAVAILABLE", Unavailable;
    /// The audit trail can't be written.
    AuditUnavailable = "AUDIT_UNAVAILABLE", Unavailable;
    /// A backup took the place of the vault's database and `keyway-vault restore` was not run.
    DatabaseRolledBack = "DATABASE_ROLLED_BACK", Unavailable;
    /// The database has an older or newer schema.
    MigrationPending = "MIGRATION_PENDING", Unavailable;
    /// Too much is going on.
    Overloaded = "OVERLOADED", Unavailable;
    /// The process is stopping.
    Draining = "DRAINING", Unavailable;
    /// The deadline has passed.
    Deadline = "DEADLINE", DeadlineExceeded;
    /// The etag is not the current one.
    StaleEtag = "STALE_ETAG", Aborted;
    /// It exists already.
    AlreadyExists = "ALREADY_EXISTS", AlreadyExists;
    /// A call with this request id is open or completed.
    RequestRepeated = "REQUEST_REPEATED", AlreadyExists;
    /// This build does not have it yet.
    NotBuilt = "NOT_BUILT", Unimplemented;
    /// The cursor is older than what is kept.
    CursorExpired = "CURSOR_EXPIRED", OutOfRange;
    /// A stored key can't be opened.
    KeyUnreadable = "KEY_UNREADABLE", DataLoss;
    /// The provider's answer can't be read.
    ProviderProtocol = "PROVIDER_PROTOCOL", Internal;
    /// A bug; the trace id finds it.
    Internal = "INTERNAL", Internal;
}

/// Everything a caller may learn about a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Stable reason.
    pub reason: Reason,
    /// For people: the cause and the remedy.
    pub message: String,
    /// The request field at fault, by its proto path.
    pub field: Option<String>,
    /// When trying again makes sense.
    pub retry_after: Option<Duration>,
    /// Variables of the message, for programs.
    pub metadata: Vec<(&'static str, String)>,
}

impl Fault {
    /// A fault with a reason and a message.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            field: None,
            retry_after: None,
            metadata: Vec::new(),
        }
    }

    /// `FIELD_INVALID` for one field. The message says what is accepted, never what was given.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        let field = field.into();
        let message = format!("{field}: {}", message.into());
        Self {
            field: Some(field),
            ..Self::new(Reason::FieldInvalid, message)
        }
    }

    /// The same with a field named.
    #[must_use]
    pub fn at_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same with a time to wait.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// The same with one more variable.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.metadata.push((name, value.into()));
        self
    }
}
