//! Authority as a parameter: a handler without one of these is visibly public.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use tracing::field::display;

use super::access::{self, Bearer};
use super::cache::SESSION;
use super::{Activity, Role, Session};
use crate::infra::meter;
use crate::kernel::{Code, Error, Result, SessionId, Timestamp, UserId};
use crate::platform::Ctx;
use crate::platform::http::Problem;

/// A person who is signed in, with a living session and an active account.
#[derive(Debug, Clone, Copy)]
pub struct CurrentUser {
    /// The person.
    pub id: UserId,
    /// The session of this request.
    pub session_id: SessionId,
    /// Their role now.
    pub role: Role,
}

impl CurrentUser {
    /// The person as somebody who looks at things.
    pub fn viewer(self) -> Viewer {
        self.id.into()
    }
}

/// Somebody who looks at things: signed in, or not where anonymous reading is allowed. A bad token
/// is refused and never taken for an absent one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer(pub Option<UserId>);

impl Viewer {
    /// Somebody who is signed out.
    pub const ANONYMOUS: Self = Self(None);

    /// The person, when signed in.
    pub fn id(self) -> Option<UserId> {
        self.0
    }

    /// Whether this is `user_id` themselves.
    pub fn is(self, user_id: UserId) -> bool {
        self.0 == Some(user_id)
    }
}

impl From<UserId> for Viewer {
    fn from(user_id: UserId) -> Self {
        Self(Some(user_id))
    }
}

/// Who sent a request: found out once, before its handler is chosen, so that authority is refused
/// before anything else about the request is. What was found counts only where a handler asks.
#[derive(Clone)]
struct Caller(Result<Option<CurrentUser>>);

/// Whom the token of a request speaks for. Its signature is checked, and nothing is asked of anybody.
pub fn bearer_of(ctx: &Ctx, request: &HttpRequest) -> Result<Option<Bearer>> {
    match token_of(request)? {
        Some(token) => access::verify(ctx, token).map(Some),
        None => Ok(None),
    }
}

/// Whether this process knows, without asking anybody, that a bearer speaks for nobody any more.
pub fn is_over(ctx: &Ctx, bearer: Bearer) -> bool {
    let known = ctx
        .cache()
        .peek(&SESSION, &(bearer.user_id, bearer.session_id));
    let is_alive = |session: &Session| session.is_alive(ctx.now());
    known.is_some_and(|session| !session.as_deref().is_some_and(is_alive))
}

/// Whether the session that a request names was found to have ended, or to be none.
pub fn has_ended(request: &HttpRequest) -> bool {
    let refused = current_user(request).err();
    refused.is_some_and(|error| error.code() == Code::SessionRevoked)
}

/// Finds the session of a bearer and seats its person in the request.
pub async fn seat(ctx: &Ctx, request: &HttpRequest, bearer: Result<Option<Bearer>>) {
    let found = match bearer {
        Ok(Some(bearer)) => find_caller(ctx, request, bearer).await.map(Some),
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    };
    if let Ok(Some(user)) = found {
        tracing::Span::current()
            .record("user_id", display(user.id))
            .record("session_id", display(user.session_id));
        if user.role >= Role::Moderator {
            meter::open();
        }
    }
    request.extensions_mut().insert(Caller(found));
}

fn current_user(request: &HttpRequest) -> Result<Option<CurrentUser>> {
    let found = request.extensions().get::<Caller>().cloned();
    found.map_or(Ok(None), |Caller(found)| found)
}

async fn find_caller(ctx: &Ctx, request: &HttpRequest, bearer: Bearer) -> Result<CurrentUser> {
    let user = living(ctx, bearer.user_id, bearer.session_id).await?;
    if let Some(activity) = Activity::of(request) {
        activity.note(bearer.session_id, ctx.now());
    }
    Ok(user)
}

/// The person of a session that counts now: it has not ended, and the account is
/// neither suspended nor deleted.
pub async fn living(ctx: &Ctx, user_id: UserId, session_id: SessionId) -> Result<CurrentUser> {
    let key = (user_id, session_id);
    let ended = || {
        Error::new(
            Code::SessionRevoked,
            "The session has ended. Sign in again.",
        )
    };
    let caller = ctx.cache().get(&SESSION, &key).await?.ok_or_else(ended)?;
    let now = ctx.now();
    if caller.is_suspended(now) {
        return Err(suspended(caller.suspended_until));
    }
    if !caller.is_alive(now) {
        return Err(ended());
    }
    Ok(CurrentUser {
        id: user_id,
        session_id,
        role: caller.role,
    })
}

/// The refusal for a suspended account.
pub fn suspended(until: Option<Timestamp>) -> Error {
    Error::new(Code::AccountSuspended, "This account is suspended.").with_until(until)
}

fn token_of(request: &HttpRequest) -> Result<Option<&str>> {
    let Some(header) = request.headers().get(AUTHORIZATION) else {
        return Ok(None);
    };
    let text = header.to_str().unwrap_or_default();
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(Error::new(
            Code::InvalidToken,
            "The Authorization header must be 'Bearer' and an access token.",
        )),
    }
}

fn signed_out() -> Error {
    Error::new(
        Code::Unauthenticated,
        "Sign in first, and send the access token as 'Authorization: Bearer ...'.",
    )
}

type Extracting<T> = Ready<std::result::Result<T, Problem>>;

fn signed_in(request: &HttpRequest) -> Result<CurrentUser> {
    current_user(request)?.ok_or_else(signed_out)
}

impl FromRequest for CurrentUser {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(signed_in(request).map_err(Problem::from))
    }
}

/// Somebody who may be signed in, where there are other ways to say who one is. A bad token is refused.
#[derive(Debug, Clone, Copy)]
pub struct SignedIn(pub Option<CurrentUser>);

impl FromRequest for SignedIn {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(current_user(request).map(Self).map_err(Problem::from))
    }
}

/// Somebody who is signed in and may do everything.
#[derive(Debug, Clone, Copy)]
pub struct Admin(pub CurrentUser);

impl FromRequest for Admin {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let admin = signed_in(request).and_then(|user| match user.role {
            Role::Admin => Ok(Self(user)),
            _ => Err(Error::new(Code::Forbidden, "This takes the role admin.")),
        });
        ready(admin.map_err(Problem::from))
    }
}

fn viewer(request: &HttpRequest) -> Result<Viewer> {
    match current_user(request)? {
        Some(user) => Ok(user.viewer()),
        None if Ctx::of(request)?.config().public_read => Ok(Viewer::ANONYMOUS),
        None => Err(signed_out()),
    }
}

impl FromRequest for Viewer {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(viewer(request).map_err(Problem::from))
    }
}
