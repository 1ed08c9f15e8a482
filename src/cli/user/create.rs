//! Making accounts.

use std::io::{self, BufRead as _, IsTerminal as _};

use anyhow::Context as _;
use kith::admin::accounts::{self, Who};
use kith::domains::auth::{
    Email, NewUser, Password, create_user, hash_password, mark_email_verified,
};
use kith::domains::users::{DisplayName, Username};
use kith::kernel::text::Refusal;
use kith::platform::sessions::Role;
use kith::platform::write::transaction;

use crate::cli::exit::{Exit, refused};
use crate::cli::out;
use crate::cli::tool::{load_config, with_ctx};

/// Arguments of `kith user create`. The password is asked for, or read from standard input; an
/// argument could be read by everybody on the machine.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The name in addresses
    #[arg(long)]
    username: String,
    /// The e-mail address
    #[arg(long)]
    email: String,
    /// The name that people read; the username without it
    #[arg(long)]
    display_name: Option<String>,
    /// `user`, `moderator` or `admin`
    #[arg(long, default_value = "user")]
    role: Role,
    /// Take the e-mail address as confirmed
    #[arg(long)]
    verified: bool,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Makes an account.
pub async fn run(args: Args) -> anyhow::Result<Exit> {
    let config = load_config()?;
    let username = Username::parse(&args.username).map_err(|refusal| of("--username", &refusal))?;
    let email = Email::parse(&args.email).map_err(|refusal| of("--email", &refusal))?;
    let display_name = args.display_name.clone().unwrap_or(args.username);
    let display_name =
        DisplayName::parse(display_name).map_err(|refusal| of("--display-name", &refusal))?;
    let password = read_password(args.password_stdin)?;
    let context = [username.as_str(), email.as_str(), display_name.as_str()];
    let password = Password::parse(password)
        .and_then(|password| password.check_strength(&context).map(|()| password))
        .map_err(|refusal| of("the password", &refusal))?;
    with_ctx(config, async move |ctx| {
        let hash = hash_password(ctx, &password).await?;
        let user_id = transaction(ctx, async |tx| {
            let user = NewUser {
                username: username.clone(),
                email: email.clone(),
                display_name: display_name.clone(),
                password_hash: Some(hash.clone()),
            };
            let user_id = create_user(tx, user).await?;
            if args.verified {
                mark_email_verified(tx, user_id, &email).await?;
            }
            if args.role != Role::User {
                accounts::promote(tx, user_id, args.role).await?;
            }
            Ok(user_id)
        })
        .await?;
        if args.json {
            let account = accounts::find(&mut *ctx.conn().await?, &Who::Id(user_id)).await?;
            out::json(&account)?;
        } else {
            out::line(format_args!("{} has the id {user_id}.", username.as_str()))?;
        }
        Ok(Exit::Well)
    })
    .await
}

fn of(what: &str, refusal: &Refusal) -> anyhow::Error {
    refused(format!("{what}: {}", refusal.detail))
}

fn read_password(from_stdin: bool) -> anyhow::Result<String> {
    if from_stdin {
        let mut line = String::new();
        io::stdin()
            .lock()
            .read_line(&mut line)
            .context("could not read the password")?;
        let end = line.trim_end_matches(['\r', '\n']).len();
        line.truncate(end);
        return Ok(line);
    }
    if !io::stdin().is_terminal() {
        return Err(refused(
            "there is no terminal to ask for the password on. Add --password-stdin.",
        ));
    }
    let ask = |prompt| rpassword::prompt_password(prompt).context("could not read the password");
    let password = ask("Password: ")?;
    if ask("Again: ")? != password {
        return Err(refused("the two passwords differ."));
    }
    Ok(password)
}
