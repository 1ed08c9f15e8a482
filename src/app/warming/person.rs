//! What a person who has just signed in will ask for first, read behind the answer.

use crate::domains::auth::CameIn;
use crate::domains::{feed, notifications, relations, users};
use crate::kernel::{Result, UserId};
use crate::platform::context::AtOnce;
use crate::platform::{Ctx, Reads};

/// Warms for whoever signs in.
pub fn at_once(listeners: AtOnce) -> AtOnce {
    listeners.on::<CameIn, _, _>(async |ctx: Ctx, CameIn(user_id)| {
        if ctx.config().warming && ctx.cache().epoch_to_read().is_some() {
            ctx.tasks().clone().spawn(greet(ctx, user_id));
        }
    })
}

/// Each by itself: what fails is read by the request that needs it.
async fn greet(ctx: Ctx, user_id: UserId) {
    let own = async {
        let reads = &mut Reads::cached(&ctx);
        ctx.cache().warm(&users::SETTINGS, &[user_id]).await?;
        ctx.cache().warm(&relations::TIES, &[user_id]).await?;
        users::me(reads, user_id).await.map(drop)
    };
    note(own.await);
    note(feed::warm(&ctx, user_id).await.map(drop));
    let counts = async {
        let reads = &mut Reads::cached(&ctx);
        notifications::counts(&ctx, reads, user_id).await.map(drop)
    };
    note(counts.await);
}

fn note(outcome: Result<()>) {
    if let Err(error) = outcome {
        tracing::debug!(
            ?error,
            "what a person asks for first could not be read ahead"
        );
    }
}
