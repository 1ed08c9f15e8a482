//! Making accounts.

use std::net::IpAddr;

use super::super::jobs::Mail;
use super::super::model::{Email, EventKind, Password};
use super::super::store;
use super::super::view::{self, SignedIn};
use super::links::mark_verified;
use super::note;
use super::password::{hash_password, require_strong};
use crate::domains::users::{self, DisplayName, NewAccount, Username};
use crate::kernel::{Code, Error, FieldError, Result, UserId};
use crate::platform::config::Registration as Policy;
use crate::platform::limits::{Gate, Subject, policies};
use crate::platform::sessions::{self, Device};
use crate::platform::write::transaction;
use crate::platform::{Ctx, Tx};

/// What is stored in place of a hash for an account that nobody can sign in to with a password.
const NO_PASSWORD: &str = "!";

/// A new person.
#[derive(Debug)]
pub struct NewUser {
    /// Their name in addresses.
    pub username: Username,
    /// Their e-mail address.
    pub email: Email,
    /// The name that people read.
    pub display_name: DisplayName,
    /// From [`hash_password`]; without one nobody can sign in until a password is set by mail.
    pub password_hash: Option<String>,
}

/// Adds a person: account and credential. Sends no mail.
pub async fn create_user(tx: &mut Tx, user: NewUser) -> Result<UserId> {
    let taken = store::find_taken(tx.conn(), user.username.as_str(), &user.email).await?;
    refuse_taken(taken)?;
    let account = NewAccount {
        user_id: tx.new_id(),
        username: user.username,
        display_name: user.display_name,
    };
    users::create_account(tx, &account).await?;
    let hash = user.password_hash.as_deref().unwrap_or(NO_PASSWORD);
    let now = tx.now();
    store::insert_credential(tx.conn(), account.user_id, &user.email, hash, now).await?;
    Ok(account.user_id)
}

/// Both names are told at once where both are taken. The constraints still judge.
fn refuse_taken((username, email): (bool, bool)) -> Result<()> {
    let field = |pointer: &str, code: Code, detail: &str| FieldError {
        pointer: pointer.to_owned(),
        code: code.as_str().into(),
        detail: detail.to_owned(),
    };
    let mut fields = Vec::new();
    if username {
        let detail = "This username is taken. Choose another.";
        fields.push(field("/username", Code::UsernameTaken, detail));
    }
    if email {
        let detail = "There is an account with this e-mail address.";
        fields.push(field("/email", Code::EmailTaken, detail));
    }
    let error = match (username, email) {
        (false, false) => return Ok(()),
        (true, _) => Error::new(
            Code::UsernameTaken,
            "This username is taken. Choose another.",
        ),
        (false, true) => store::email_taken(),
    };
    Err(error.with_fields(fields))
}

/// Marks a person's address as confirmed.
pub async fn mark_email_verified(tx: &mut Tx, user_id: UserId, email: &Email) -> Result<()> {
    mark_verified(tx, user_id, email.as_str()).await.map(drop)
}

/// What somebody registers with.
#[derive(Debug)]
pub struct Registration {
    /// Their name in addresses.
    pub username: Username,
    /// Their e-mail address.
    pub email: Email,
    /// Their password.
    pub password: Password,
    /// The name that people read.
    pub display_name: DisplayName,
}

/// Registers a person and signs them in. A mail asks to confirm the address. What is not valid is
/// told without being counted; what costs a hash, or tells that a name is taken, counts.
pub async fn register(
    ctx: &Ctx,
    gate: &Gate,
    registration: &Registration,
    device: &Device,
    address: IpAddr,
) -> Result<SignedIn> {
    if ctx.config().registration != Policy::Open {
        let detail = "New accounts are not open to everybody here.";
        return Err(Error::new(Code::RegistrationClosed, detail));
    }
    let Registration {
        username,
        email,
        password,
        display_name,
    } = registration;
    let context = [username.as_str(), email.as_str(), display_name.as_str()];
    require_strong(ctx, password, "/password", context).await?;
    let address = Subject::Address(address).check(&policies::REGISTRATION);
    gate.pass(vec![address]).await.map(drop)?;
    let hash = hash_password(ctx, password).await?;
    transaction(ctx, async |tx: &mut Tx| {
        let user = NewUser {
            username: username.clone(),
            email: email.clone(),
            display_name: display_name.clone(),
            password_hash: Some(hash.clone()),
        };
        let user_id = create_user(tx, user).await?;
        let tokens = sessions::open(tx, user_id, device).await?;
        let session_id = Some(tokens.session_id);
        note(tx, user_id, EventKind::Registered, device, session_id).await?;
        tx.enqueue(&Mail::VerifyEmail { user_id }.job()?).await?;
        view::signed_in(tx, user_id, tokens).await
    })
    .await
}
