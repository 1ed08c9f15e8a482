//! `kith announce`: tells everybody who is connected something.

use kith::admin::{AnnouncementText, announce};
use kith::platform::Tx;
use kith::platform::write::transaction;

use super::exit::{Exit, refused};
use super::out;
use super::tool::{load_config, with_ctx};

/// Arguments of `kith announce`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to tell: 1 to 2,000 characters
    content: String,
}

/// Runs the command. Servers find what it leaves within some seconds.
pub async fn run(args: Args) -> anyhow::Result<Exit> {
    let content = AnnouncementText::parse(args.content)
        .map_err(|refusal| refused(format!("the content: {}", refusal.detail)))?;
    let config = load_config()?;
    let told = with_ctx(config, async |ctx| {
        let told = transaction(ctx, async |tx: &mut Tx| announce(tx, None, &content).await);
        Ok(told.await?)
    })
    .await?;
    out::line(format!("everybody is told: {}", told.id))?;
    Ok(Exit::Well)
}
