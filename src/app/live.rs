//! What the domains tell live: one line a domain.

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use super::routes;
use crate::admin;
use crate::domains::{comments, feed, messaging, notifications, posts, relations, users};
use crate::infra::redis;
use crate::kernel::{Error, Result, UserId};
use crate::platform::config::Config;
use crate::platform::realtime::{self, Entry, Hooks, Hub, Live, Options, Pace, Registry, Sight};
use crate::platform::sessions::Viewer;
use crate::platform::{Ctx, Reads};

/// What each domain says.
const LIVE: &[&Live] = &[
    &users::LIVE,
    &relations::LIVE,
    &posts::LIVE,
    &comments::LIVE,
    &feed::LIVE,
    &messaging::LIVE,
    &notifications::LIVE,
    &admin::LIVE,
];

/// All that is told live.
pub fn events() -> Vec<Entry> {
    Registry::new(LIVE.iter().copied()).catalogue().to_vec()
}

/// The hub of a process.
pub(super) fn hub(config: &Config) -> Hub {
    Hub::new(Options {
        registry: Registry::new(LIVE.iter().copied()),
        hooks: Hooks {
            sight: |ctx, user_id| Box::pin(sight(ctx, user_id)),
            counts: |ctx, user_id| Box::pin(counts(ctx, user_id)),
            states: |ctx, user_id, since| Box::pin(messaging::changed_since(ctx, user_id, since)),
            relations_tag: "relations",
            settings_tag: "settings",
        },
        limits: routes::limits(),
        pace: Pace::new(config.live_beat, config.live_pong),
        max_sockets: config.max_sockets,
        connect_rate: config.limits.then_some(config.connect_rate),
        instance: config.instance.clone(),
    })
}

/// Starts what tells and listens.
pub(super) fn start(ctx: &Ctx, stop: &CancellationToken) -> anyhow::Result<()> {
    let server = match &ctx.config().redis_url {
        Some(url) => Some(redis::Server::parse(url.expose()).context("REDIS_URL")?),
        None => None,
    };
    realtime::start(ctx, server, stop);
    Ok(())
}

/// What a person sees of others, and others of them.
async fn sight(ctx: Ctx, user_id: UserId) -> Result<Sight> {
    let reads = &mut Reads::cached(&ctx);
    let ties = relations::ties_of(reads, Viewer::from(user_id)).await?;
    let settings = reads.get(&users::SETTINGS, &user_id).await?;
    let tells_what_is_read = settings.as_ref().is_some_and(|own| own.read_receipts);
    Ok(Sight {
        hidden: ties.hidden.iter().copied().collect(),
        unwanted: if tells_what_is_read {
            &[]
        } else {
            messaging::RECEIPT_KINDS
        },
        shows_presence: settings.is_some_and(|own| own.show_presence),
        ..Sight::default()
    })
}

async fn counts(ctx: Ctx, user_id: UserId) -> Result<serde_json::Value> {
    let counts = notifications::counts(&ctx, &mut Reads::cached(&ctx), user_id).await?;
    serde_json::to_value(counts).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::infra::committed::{between_marks, held_equal};
    use crate::platform::realtime::render_events;

    #[test]
    fn the_committed_catalogue_is_the_one_made_from_the_events() {
        held_equal("docs/realtime.md", |page| {
            between_marks(page, "events", &render_events(&events()))
        });
    }

    #[test]
    fn what_events_hold_are_objects_of_the_api() {
        let document = serde_json::to_value(crate::app::document()).expect("JSON");
        let schemas = document["components"]["schemas"].as_object().expect("them");
        let shapes: HashSet<_> = events()
            .into_iter()
            .flat_map(|entry| entry.d)
            .map(|(_, shape, _)| shape)
            .collect();
        // Objects have one word, in capitals; anything else is said in several, or is not.
        let objects = shapes.iter().filter(|shape| {
            shape.starts_with(|c: char| c.is_ascii_uppercase()) && !shape.contains(' ')
        });
        let objects: Vec<_> = objects.collect();
        assert!(objects.len() > 10, "{objects:?}");
        for object in objects {
            assert!(schemas.contains_key(&**object), "{object} is none");
        }
    }
    #[test]
    fn frames_that_stand_for_requests_stand_for_such_as_there_are() {
        let document = serde_json::to_value(crate::app::document()).expect("JSON");
        let commands = LIVE.iter().flat_map(|live| live.commands);
        let twins: Vec<_> = commands.filter_map(|command| command.twin).collect();
        assert!(twins.len() > 5, "{twins:?}");
        for (method, path) in twins {
            let route = &document["paths"][path][method.to_lowercase()];
            assert!(route.is_object(), "{method} {path} is no route");
        }
    }
}
