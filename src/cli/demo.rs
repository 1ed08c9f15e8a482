//! The people of `kith dev`.

use kith::admin::accounts::{self, Who};
use kith::kernel::Code;
use kith::platform::Ctx;
use kith::seeds::{Plan, Source, demo_accounts};

use super::seed;

/// An account of the demo, to sign in with.
pub struct Account {
    /// Its username.
    pub username: &'static str,
    /// Its password, which is no secret.
    pub password: &'static str,
    /// What is special about it.
    pub what: &'static str,
}

/// Loads the demo data, unless there is any account already; says whether it did.
pub async fn load_once(ctx: &Ctx) -> anyhow::Result<bool> {
    if accounts::any(&mut *ctx.conn().await?).await? {
        return Ok(false);
    }
    seed::load(ctx, &Plan::of(Source::Demo)).await?;
    Ok(true)
}

/// Which of them there are, on a database that may hold something else.
pub async fn present(ctx: &Ctx) -> anyhow::Result<Vec<Account>> {
    let mut conn = ctx.conn().await?;
    let mut present = Vec::new();
    for (username, password, what) in demo_accounts() {
        match accounts::find(&mut conn, &Who::Username(username.to_owned())).await {
            Ok(_account) => present.push(Account {
                username,
                password,
                what,
            }),
            Err(error) if error.code() == Code::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(present)
}
