//! The people of `kith dev`.

use kith::admin::accounts::{self, Who};
use kith::domains::auth::{
    Email, NewUser, Password, create_user, hash_password, mark_email_verified,
};
use kith::domains::users::{DisplayName, Username};
use kith::kernel::Code;
use kith::platform::Ctx;
use kith::platform::write::transaction;

/// Their password, which is no secret.
pub const PASSWORD: &str = "demo-password";
/// Their usernames, with the names that people read.
pub const PEOPLE: &[(&str, &str)] = &[("alice", "Alice"), ("bob", "Bob")];

/// Loads the demo data, unless there is any account already; says whether it did.
pub async fn load_once(ctx: &Ctx) -> anyhow::Result<bool> {
    if accounts::any(&mut *ctx.read().await?).await? {
        return Ok(false);
    }
    let refused = |refusal: kith::kernel::text::Refusal| anyhow::anyhow!("{}", refusal.detail);
    let password = Password::parse(PASSWORD.to_owned()).map_err(refused)?;
    let hash = hash_password(ctx, &password).await?;
    let mut people = Vec::new();
    for (username, display_name) in PEOPLE {
        people.push((
            Username::parse(username).map_err(refused)?,
            Email::parse(&format!("{username}@example.org")).map_err(refused)?,
            DisplayName::parse((*display_name).to_owned()).map_err(refused)?,
        ));
    }
    transaction(ctx, async |tx| {
        for (username, email, display_name) in &people {
            let user = NewUser {
                username: username.clone(),
                email: email.clone(),
                display_name: display_name.clone(),
                password_hash: Some(hash.clone()),
            };
            let user_id = create_user(tx, user).await?;
            mark_email_verified(tx, user_id, email).await?;
        }
        Ok(())
    })
    .await?;
    Ok(true)
}

/// Which of them there are, on a database that may hold something else.
pub async fn present(ctx: &Ctx) -> anyhow::Result<Vec<&'static str>> {
    let mut conn = ctx.read().await?;
    let mut present = Vec::new();
    for (username, _) in PEOPLE {
        let who = Who::Username((*username).to_owned());
        match accounts::find(&mut conn, &who).await {
            Ok(_account) => present.push(*username),
            Err(error) if error.code() == Code::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(present)
}
