//! Mails about an account: what they are, what they say, how they are sent.
//!
//! A mail is a job, sent at least once. The token of its link is made by the job, so that only its
//! hash is ever stored.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::model::{Email, Purpose};
use super::super::store::{self, Recipient};
use crate::infra::jobs::NewJob;
use crate::infra::mail::Message;
use crate::kernel::{Error, OpaqueToken, Result, UserId};
use crate::platform::write::job_transaction;
use crate::platform::{Ctx, Tx};

/// The job that sends one.
pub const JOB: &str = "auth.mail";
/// Most links for one purpose that a person is mailed in an hour, whoever asks for them.
const LINKS_AN_HOUR: i64 = 3;

/// A mail to send.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "mail", rename_all = "snake_case")]
pub enum Mail {
    /// Asks a person to confirm their address.
    VerifyEmail {
        /// The person.
        user_id: UserId,
    },
    /// The same, to whoever has this address.
    VerifyAddress {
        /// The address, which may be nobody's.
        email: Email,
    },
    /// Lets whoever has this address set a new password.
    ResetPassword {
        /// The address, which may be nobody's.
        email: Email,
    },
    /// Tells a person that their password was changed.
    PasswordChanged {
        /// The person.
        user_id: UserId,
    },
    /// Asks a person at a new address to confirm that.
    ChangeAddress {
        /// The person.
        user_id: UserId,
        /// Their new address.
        email: Email,
    },
    /// Tells a person at the address before that they have another one.
    AddressChanged {
        /// The person.
        user_id: UserId,
        /// Their address before.
        email: String,
    },
}

impl Mail {
    /// The job that sends it.
    pub fn job(&self) -> Result<NewJob> {
        Ok(NewJob {
            name: JOB,
            payload: serde_json::to_value(self).map_err(Error::internal)?,
            run_at: None,
        })
    }
}

/// Does the job. A mail to nobody is done at once.
pub async fn deliver(ctx: Ctx, payload: Value) -> Result<()> {
    let mail: Mail = serde_json::from_value(payload).map_err(Error::internal)?;
    let Some(to) = recipient(&ctx, &mail).await? else {
        return Ok(());
    };
    match mail {
        Mail::VerifyEmail { .. } | Mail::VerifyAddress { .. } if to.verified => Ok(()),
        Mail::VerifyEmail { .. } | Mail::VerifyAddress { .. } => {
            send_link(&ctx, &to, Purpose::VerifyEmail).await
        }
        Mail::ResetPassword { .. } => send_link(&ctx, &to, Purpose::ResetPassword).await,
        Mail::ChangeAddress { .. } => send_link(&ctx, &to, Purpose::ChangeEmail).await,
        Mail::PasswordChanged { .. } => {
            let message = compose(&to, "Your password was changed", PASSWORD_CHANGED);
            ctx.mailer().send(&message).await
        }
        Mail::AddressChanged { .. } => {
            let message = compose(&to, "Your e-mail address was changed", ADDRESS_CHANGED);
            ctx.mailer().send(&message).await
        }
    }
}

async fn recipient(ctx: &Ctx, mail: &Mail) -> Result<Option<Recipient>> {
    let mut conn = ctx.conn().await?;
    let user_id = match mail {
        Mail::VerifyEmail { user_id } | Mail::PasswordChanged { user_id } => Some(*user_id),
        Mail::ChangeAddress { user_id, .. } | Mail::AddressChanged { user_id, .. } => {
            Some(*user_id)
        }
        Mail::VerifyAddress { email } | Mail::ResetPassword { email } => {
            let known = store::find_by_email(&mut conn, email.as_str()).await?;
            known.map(|known| known.user_id)
        }
    };
    let Some(user_id) = user_id else {
        return Ok(None);
    };
    let known = store::find_recipient(&mut conn, user_id).await?;
    Ok(known.map(|known| match mail {
        Mail::ChangeAddress { email, .. } => Recipient {
            email: email.as_str().to_owned(),
            ..known
        },
        Mail::AddressChanged { email, .. } => Recipient {
            email: email.clone(),
            ..known
        },
        _ => known,
    }))
}

async fn send_link(ctx: &Ctx, to: &Recipient, purpose: Purpose) -> Result<()> {
    let token = OpaqueToken::new(ctx.ids().bytes());
    let hash = token.hash();
    let (user_id, email) = (to.user_id, to.email.clone());
    let kept = job_transaction(ctx, move |tx| {
        let email = email.clone();
        Box::pin(async move { keep(tx, (user_id, &email), purpose, &hash).await })
    });
    if !kept.await? {
        tracing::info!(user_id = %to.user_id, "a person was mailed enough links for this hour");
        return Ok(());
    }
    let message = link(ctx.web_url(), to, purpose, &token.reveal());
    let sent = ctx.mailer().send(&message).await;
    if sent.is_err() {
        // The next attempt makes another.
        store::delete_mail_token(&mut *ctx.conn().await?, &hash).await?;
    }
    sent
}

/// Keeps the token of a link, unless its person was mailed enough of them.
async fn keep(
    tx: &mut Tx,
    (user_id, email): (UserId, &str),
    purpose: Purpose,
    hash: &[u8; 32],
) -> Result<bool> {
    let now = tx.now();
    // Of two mails at once one waits, and counts the other.
    store::lock_password_hash(tx.conn(), user_id).await?;
    let since = now - TimeDelta::hours(1);
    let sent = store::count_mail_tokens(tx.conn(), user_id, purpose, since).await?;
    if sent >= LINKS_AN_HOUR {
        return Ok(false);
    }
    let until = now + TimeDelta::hours(purpose.hours());
    store::insert_mail_token(tx.conn(), hash, user_id, purpose, email, now, until).await?;
    Ok(true)
}

/// The token stands in the fragment, which browsers send to no server.
fn link(web_url: &str, to: &Recipient, purpose: Purpose, token: &str) -> Message {
    let (subject, page, ask, otherwise) = match purpose {
        Purpose::VerifyEmail => (
            "Confirm your e-mail address",
            "verify-email",
            "please confirm that this address is yours, within 24 hours:",
            "If you did not register, ignore this mail.",
        ),
        Purpose::ResetPassword => (
            "Set a new password",
            "reset-password",
            "somebody asked to set a new password for your account. Within an hour you can do it here:",
            "If it was not you, ignore this mail: your password stays as it is.",
        ),
        Purpose::ChangeEmail => (
            "Confirm your new e-mail address",
            "verify-email",
            "please confirm that this is the new address of your account, within 24 hours:",
            "If you did not ask for that, ignore this mail.",
        ),
    };
    let text = format!("{ask}\n\n{web_url}/{page}#token={token}\n\n{otherwise}");
    compose(to, subject, &text)
}

const PASSWORD_CHANGED: &str = "the password of your account was changed just now.\n\n\
    If it was not you, set a new one at once by 'forgot password', and look at your security log.";

const ADDRESS_CHANGED: &str = "your account has another e-mail address as of just now, and this one is no longer \
    used.\n\n\
    If it was not you, sign in with your username and set a new password at once, and write to whoever runs \
    this site.";

fn compose(to: &Recipient, subject: &str, text: &str) -> Message {
    Message {
        to: to.email.clone(),
        subject: subject.to_owned(),
        // All in ASCII, so that nothing needs encoding and links stay whole.
        text: format!("Hello @{},\n\n{text}\n", to.username),
        unsubscribe: None,
    }
}
