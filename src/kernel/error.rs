//! The one error type. It knows kinds and stable codes and nothing of HTTP: a request, a socket
//! and a job each render it in their own way.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::clock::Timestamp;

/// A result with kith's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of refusal an error is. HTTP gives each kind its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is known by another name now (308).
    Moved,
    /// The bytes could not be read as a request (400).
    Unreadable,
    /// Nobody is signed in, or the token is no good (401).
    Unauthenticated,
    /// Known, but not allowed (403).
    Forbidden,
    /// Absent, or not visible to the caller (404).
    NotFound,
    /// The resource exists and does not answer this method (405).
    MethodNotAllowed,
    /// No representation that the caller accepts (406).
    NotAcceptable,
    /// The state of things forbids it (409).
    Conflict,
    /// It was there and will not come back (410).
    Gone,
    /// `If-Match` names an older version (412).
    Stale,
    /// The body is larger than allowed (413).
    TooLarge,
    /// The body's media type is not read here (415).
    UnsupportedMedia,
    /// Understood, but invalid (422).
    Invalid,
    /// Too many requests (429).
    Limited,
    /// A part is missing just now; the caller may try again (503).
    Unavailable,
    /// A fault of ours (500).
    Internal,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:tt, $kind:ident, $title:literal;)+) => {
        /// A stable, machine-readable reason. Codes are never renamed within `/v1`; others may come.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
        #[schema(as = ProblemCode)]
        pub enum Code { $($(#[$doc])* #[serde(rename = $text)] $name,)+ }

        impl Code {
            /// Every code there is.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The code on the wire, in snake case.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The sort of refusal.
            pub const fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind,)+ }
            }

            /// A short sentence that is the same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }
        }
    };
}

codes! {
    /// The name in the path is a former one.
    Moved = "moved", Moved, "Known by another name now";
    /// Broken JSON, duplicate keys, NUL, bad UTF-8, too deep.
    MalformedRequest = "malformed_request", Unreadable, "The request could not be read";
    /// A cursor that this server did not make, or made too long ago.
    InvalidCursor = "invalid_cursor", Unreadable, "The cursor is not valid";
    /// A cursor of another list or with other filters.
    CursorMismatch = "cursor_mismatch", Unreadable, "The cursor belongs to another list";
    /// No credentials, where some are needed.
    Unauthenticated = "unauthenticated", Unauthenticated, "You are not signed in";
    /// The access token is not one of ours.
    InvalidToken = "invalid_token", Unauthenticated, "The token is not valid";
    /// The access token has run out: refresh it.
    TokenExpired = "token_expired", Unauthenticated, "The token has expired";
    /// The session was ended.
    SessionRevoked = "session_revoked", Unauthenticated, "The session has ended";
    /// Wrong name or password; it never says which.
    InvalidCredentials = "invalid_credentials", Unauthenticated, "The credentials are wrong";
    /// The operation wants a recent sign-in.
    ReauthRequired = "reauth_required", Forbidden, "Please confirm your password first";
    /// The account is suspended.
    AccountSuspended = "account_suspended", Forbidden, "The account is suspended";
    /// The operation wants a verified e-mail address.
    EmailNotVerified = "email_not_verified", Forbidden, "The e-mail address is not verified";
    /// The caller may not do this.
    Forbidden = "forbidden", Forbidden, "You may not do this";
    /// Registration is closed.
    RegistrationClosed = "registration_closed", Forbidden, "Registration is closed";
    /// Absent or not visible to the caller.
    NotFound = "not_found", NotFound, "Not found";
    /// A frame asks for what there is not.
    UnknownOp = "unknown_op", NotFound, "Unknown operation";
    /// The method does not exist on this resource.
    MethodNotAllowed = "method_not_allowed", MethodNotAllowed, "The method is not allowed here";
    /// Only JSON is produced.
    NotAcceptable = "not_acceptable", NotAcceptable, "No acceptable representation";
    /// The username belongs to somebody.
    UsernameTaken = "username_taken", Conflict, "The username is taken";
    /// The e-mail address belongs to an account.
    EmailTaken = "email_taken", Conflict, "The e-mail address is taken";
    /// The two are friends already.
    AlreadyFriends = "already_friends", Conflict, "You are friends already";
    /// A request between the two is open.
    RequestPending = "request_pending", Conflict, "A request is pending already";
    /// The request was answered or withdrawn before.
    RequestClosed = "request_closed", Conflict, "The request is no longer open";
    /// The connection listens to the channel already.
    AlreadySubscribed = "already_subscribed", Conflict, "Already subscribed";
    /// A newer request of the same kind took over.
    Superseded = "superseded", Conflict, "A newer request took over";
    /// The state of things forbids it.
    Conflict = "conflict", Conflict, "The request conflicts with the current state";
    /// A request with the same key is still running.
    IdempotencyInProgress = "idempotency_in_progress", Conflict, "The first request is still running";
    /// It was there and will not come back.
    Gone = "gone", Gone, "Gone";
    /// A position from which nothing can be replayed: fetch everything anew.
    Unrecoverable = "unrecoverable", Gone, "What was missed is no longer kept";
    /// The version named in `If-Match` is not the current one.
    PreconditionFailed = "precondition_failed", Stale, "The resource has changed";
    /// The body is larger than allowed.
    PayloadTooLarge = "payload_too_large", TooLarge, "The body is too large";
    /// The body is not JSON.
    UnsupportedMediaType = "unsupported_media_type", UnsupportedMedia, "The media type is not supported";
    /// Understood, but invalid: `errors` says what.
    ValidationFailed = "validation_failed", Invalid, "The request is not valid";
    /// The idempotency key was used with another payload.
    IdempotencyConflict = "idempotency_conflict", Invalid, "The idempotency key was used for another request";
    /// A request for friendship to oneself.
    CannotFriendSelf = "cannot_friend_self", Invalid, "You cannot befriend yourself";
    /// Something that only makes sense towards others.
    CannotTargetSelf = "cannot_target_self", Invalid, "You cannot do this to yourself";
    /// Only friends can be put there.
    NotAFriend = "not_a_friend", Invalid, "This person is not your friend";
    /// The mail link's token is unknown, used or too old.
    LinkExpired = "link_expired", Invalid, "The link is no longer valid";
    /// Too many requests.
    RateLimited = "rate_limited", Limited, "Too many requests";
    /// An allowance is used up.
    QuotaExceeded = "quota_exceeded", Invalid, "An allowance is used up";
    /// A part is missing just now.
    Unavailable = "unavailable", Unavailable, "Temporarily unavailable";
    /// A fault of ours.
    Internal = "internal", Internal, "Internal error";
}

/// What is wrong with one member of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// JSON Pointer into the body (`/content`), or `?name` for a query parameter.
    pub pointer: String,
    /// Stable reason, e.g. `required`, `too_long`.
    pub code: Cow<'static, str>,
    /// What to do about it, for a person.
    pub detail: String,
}

/// An error with a stable code. Boxed inside, so that results stay small.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: Code,
    detail: Cow<'static, str>,
    fields: Vec<FieldError>,
    retry_after: Option<u32>,
    until: Option<Timestamp>,
    moved: Option<Moved>,
    members: Map<String, Value>,
    source: Option<Arc<anyhow::Error>>,
}

/// A part of the path that is out of date, and what to say instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The path segment of the request.
    pub from: String,
    /// The segment to use from now on.
    pub to: String,
}

impl Error {
    /// An error of `code` that tells the caller `detail`.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            code,
            detail: detail.into(),
            fields: Vec::new(),
            retry_after: None,
            until: None,
            moved: None,
            members: Map::new(),
            source: None,
        }))
    }

    /// Nothing there that the caller may see. One sentence for all causes, so it tells nothing.
    pub fn not_found() -> Self {
        Self::new(
            Code::NotFound,
            "There is nothing here that you may see. Check the id.",
        )
    }

    /// What the path names by `from` is known as `to` now.
    pub fn moved(from: String, to: String) -> Self {
        let mut error = Self::new(Code::Moved, "This is a former name. Follow Location.");
        error.0.moved = Some(Moved { from, to });
        error
    }

    /// A fault of ours: `source` goes to the log, the caller sees a generic sentence.
    pub fn internal(source: impl Into<anyhow::Error>) -> Self {
        let mut error = Self::new(
            Code::Internal,
            "Something went wrong on our side. Quote the request id when you report it.",
        );
        error.0.source = Some(Arc::new(source.into()));
        error
    }

    /// A part is away; the caller may try again after a second.
    pub fn unavailable(source: impl Into<anyhow::Error>) -> Self {
        let mut error = Self::new(
            Code::Unavailable,
            "A part of the service is away just now. Try again shortly.",
        )
        .with_retry_after(1);
        error.0.source = Some(Arc::new(source.into()));
        error
    }

    /// One invalid member.
    pub fn invalid_field(
        pointer: impl Into<String>,
        code: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self::invalid(vec![FieldError {
            pointer: pointer.into(),
            code: Cow::Borrowed(code),
            detail: detail.into(),
        }])
    }

    /// Several invalid members.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let mut error = Self::new(
            Code::ValidationFailed,
            "Some members of the request are not valid: see errors.",
        );
        error.0.fields = fields;
        error
    }

    /// Adds after how many seconds another try makes sense.
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Adds which members are at fault.
    pub fn with_fields(mut self, fields: Vec<FieldError>) -> Self {
        self.0.fields = fields;
        self
    }

    /// Adds until when the refusal holds.
    pub fn with_until(mut self, until: Option<Timestamp>) -> Self {
        self.0.until = until;
        self
    }

    /// Adds members of the problem's own, as RFC 9457 allows, for what a client goes on with.
    pub fn with_members(mut self, members: Map<String, Value>) -> Self {
        self.0.members = members;
        self
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The sentence for the caller.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// What is wrong with each member.
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// Seconds after which another try makes sense.
    pub fn retry_after(&self) -> Option<u32> {
        self.0.retry_after
    }

    /// Until when the refusal holds.
    pub fn until(&self) -> Option<Timestamp> {
        self.0.until
    }

    /// Members of the problem's own.
    pub fn members(&self) -> &Map<String, Value> {
        &self.0.members
    }

    /// Which part of the path is out of date.
    pub fn moved_to(&self) -> Option<&Moved> {
        self.0.moved.as_ref()
    }

    /// The cause, for the log only.
    pub fn cause(&self) -> Option<&anyhow::Error> {
        self.0.source.as_deref()
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::new(code, code.title())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.as_str(), self.0.detail)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        match &self.0.source {
            Some(source) => write!(f, " ({source:?})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
