//! Accounts, for administrators.

use actix_web::{HttpRequest, HttpResponse, get, patch};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Account, Who};
use crate::domains::relations::SearchText;
use crate::domains::users;
use crate::kernel::page::TimeKey;
use crate::kernel::{Code, Error, Result, Timestamp, UserId};
use crate::platform::http::{
    Body, HttpResult, IfMatch, ListOf, Listing, PageParams, PathOf, UserRef, json_with_etag,
    not_null, unkept,
};
use crate::platform::sessions::{Admin, Role};
use crate::platform::{Answer, Ctx, Reads, Tx, Writer};
use crate::{text_type, words};

text_type!(
    /// Why an account is suspended.
    Reason, 1..=500, single
);

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(list_accounts)
        .service(get_account)
        .service(change_account);
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AccountsWanted {
    /// What their username, name or e-mail address holds.
    #[param(value_type = Option<String>, min_length = 1, max_length = 100)]
    q: Option<SearchText>,
}

words! {
    /// What an administrator gives an account to be.
    #[schema(as = AccountState)]
    enum WantedState {
        /// It can be used.
        Active = "active",
        /// Its person is signed out, and cannot sign in.
        Suspended = "suspended",
    }
}

/// What changes of an account. Absent members stay as they are.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AccountChange {
    #[schema(value_type = Role, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    role: Option<Role>,
    #[schema(value_type = WantedState, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    state: Option<WantedState>,
    /// When a suspension ends; for good without it.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(default)]
    until: Option<Timestamp>,
    /// Why it is suspended.
    #[serde(default)]
    reason: Option<Reason>,
}

/// Accounts
///
/// Whatever their state, the newest first. For administrators.
#[utoipa::path(tag = "Operations", responses((status = 200, body = ListOf<Account>)),
    params(PageParams, AccountsWanted), security(("bearer" = [])))]
#[get("/admin/users")]
async fn list_accounts(
    ctx: Ctx,
    _admin: Admin,
    listing: Listing<AccountsWanted>,
) -> HttpResult<HttpResponse> {
    let slice = listing.slice::<TimeKey>()?;
    let q = listing.filter.q.as_ref().map(SearchText::folded);
    let page = super::list(&mut *ctx.conn().await?, q.as_deref(), &slice).await?;
    Ok(unkept(listing.respond(page)))
}

/// An account
///
/// Whatever its state, with the tag that `If-Match` of a change takes. For administrators.
#[utoipa::path(tag = "Operations", responses((status = 200, body = Account)),
    params(("id" = UserRef, Path, description = "Their id or `@username`")),
    security(("bearer" = [])))]
#[get("/admin/users/{id}")]
async fn get_account(
    ctx: Ctx,
    _admin: Admin,
    user: PathOf<UserRef>,
    request: HttpRequest,
) -> HttpResult<HttpResponse> {
    let user_id = named(&mut Reads::cached(&ctx), &user).await?;
    let account = super::find(&mut *ctx.conn().await?, &Who::Id(user_id)).await?;
    Ok(unkept(json_with_etag(&request, account.version, &account)))
}

/// Change what an account may do
///
/// Its role, or whether it is suspended: `until` an instant to come, or for good. A suspension ends its
/// sessions. Nobody changes their own account. For administrators.
#[utoipa::path(tag = "Operations", request_body = AccountChange,
    params(("id" = UserRef, Path, description = "Their id or `@username`")),
    responses((status = 200, body = Account)), security(("bearer" = [])))]
#[patch("/admin/users/{id}")]
async fn change_account(
    writer: Writer,
    admin: Admin,
    user: PathOf<UserRef>,
    if_match: IfMatch,
    change: Body<AccountChange>,
) -> HttpResult<HttpResponse> {
    let me = admin.0.id;
    let written = writer.run(me, async move |tx| {
        let user_id = named(&mut tx.reads(), &user).await?;
        let who = Who::Id(user_id);
        super::hold(tx, user_id).await?;
        if_match.check(super::find(tx.conn(), &who).await?.version)?;
        if user_id == me {
            let detail = "Another administrator has to change your account.";
            return Err(Error::new(Code::Forbidden, detail));
        }
        apply(tx, user_id, &change).await?;
        let changed = super::find(tx.conn(), &who).await?;
        Answer::versioned(changed.version, &changed)
    });
    written.await.map(unkept)
}

/// Whom a path names, whatever the state of their account. A name that they gave up is `moved`.
async fn named(reads: &mut Reads<'_>, user: &UserRef) -> Result<UserId> {
    let user_id = users::resolve(reads, user).await?;
    users::require_current_name(reads, user).await?;
    Ok(user_id)
}

async fn apply(tx: &mut Tx, user_id: UserId, change: &AccountChange) -> Result<()> {
    change.check(tx.now())?;
    if let Some(role) = change.role {
        super::promote(tx, user_id, role).await?;
    }
    match change.state {
        Some(WantedState::Active) => super::unsuspend(tx, user_id).await,
        Some(WantedState::Suspended) => {
            let reason = change.reason.as_ref().map(Reason::as_str);
            let ended = super::suspend(tx, user_id, change.until, reason).await?;
            tracing::info!(%user_id, ended, "an account was suspended");
            Ok(())
        }
        None => Ok(()),
    }
}

impl AccountChange {
    /// Refuses an end or a reason of no suspension, and an end that has passed.
    fn check(&self, now: Timestamp) -> Result<()> {
        let is_suspension = self.state == Some(WantedState::Suspended);
        let pointer = match (self.until, &self.reason) {
            _ if is_suspension => None,
            (Some(_), _) => Some("/until"),
            (None, Some(_)) => Some("/reason"),
            (None, None) => None,
        };
        if let Some(pointer) = pointer {
            let detail = "It belongs to a suspension: send `state: suspended` too.";
            return Err(Error::invalid_field(pointer, "not_suspended", detail));
        }
        if self.until.is_some_and(|until| until <= now) {
            let detail = "A suspension ends in the future. For good, leave this out.";
            return Err(Error::invalid_field("/until", "in_the_past", detail));
        }
        Ok(())
    }
}
