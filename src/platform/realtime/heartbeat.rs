//! One look at all connections from time to time: whom to ping, who is silent, who does not read, whose
//! token runs out, who is to be told of a position that moved.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::close::Close;
use super::conn::{Conn, Transport};
use super::hub::{Hub, millis};
use super::{figures, opening, presence, socket, typing};
use crate::platform::Ctx;

/// A token that runs out within so many seconds is announced, and counts for so many beyond its end.
const TOKEN_NOTICE: u64 = 60;
const TOKEN_GRACE: u64 = 30;

/// Looks until `stop`.
pub(super) async fn run(ctx: Ctx, hub: Hub, stop: CancellationToken) {
    let mut looks = interval(hub.pace().look());
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut positions, mut leases) = (0, 0);
    let mut feed = presence::Feed::default();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = looks.tick() => {}
        }
        let now = hub.now();
        let conns = hub.all_conns();
        for conn in &conns {
            look(&ctx, &hub, conn, now);
        }
        typing::expire(&ctx, &hub);
        opening::close_idle(&hub);
        figures::gauges(&hub, &conns);
        if now.saturating_sub(positions) >= millis(hub.pace().position()) {
            positions = now;
            for conn in &conns {
                tell_positions(&hub, conn, now);
            }
        }
        if now.saturating_sub(leases) >= millis(hub.pace().lease()) / 3 {
            leases = now;
            presence::renew(&ctx, &hub, &conns).await;
        }
        presence::tell_due(&ctx, &hub).await;
        if feed.look(&ctx, &hub).await {
            leases = now;
            presence::renew(&ctx, &hub, &conns).await;
        }
    }
}

/// A deadline of this connection, a fifth earlier or later than others have it.
fn spread(conn: &Conn, millis: u64) -> u64 {
    millis * (80 + conn.number * 7 % 41) / 100
}

fn look(ctx: &Ctx, hub: &Hub, conn: &Arc<Conn>, now: u64) {
    let pace = hub.pace();
    let since = |at: &std::sync::atomic::AtomicU64| now.saturating_sub(at.load(Ordering::Relaxed));
    if conn.is_ending() {
        if since(&conn.ended) > millis(pace.goodbye()) {
            conn.cut();
            let (ctx, hub, conn) = (ctx.clone(), hub.clone(), Arc::clone(conn));
            tokio::spawn(async move { socket::leave(&ctx, &hub, &conn).await });
        }
        return;
    }
    if conn.transport == Transport::Poll {
        return;
    }
    let (waiting, _bytes) = conn.queue.depth();
    if is_stalled(conn, waiting, now, millis(pace.stalled())) {
        conn.end(Close::TOO_SLOW, now);
        return;
    }
    if conn.transport == Transport::Sse {
        if since(&conn.wrote) > millis(pace.comment()) && waiting == 0 {
            conn.queue.put_control(super::sse::comment());
        }
        return;
    }
    // Whatever else a stranger says, it is no hello.
    if !conn.greets.load(Ordering::Relaxed) && now.saturating_sub(conn.begun) > millis(pace.hello())
    {
        conn.end_after_all(Close::HELLO_TIMEOUT, now);
        return;
    }
    let ping = spread(conn, millis(pace.ping()));
    if since(&conn.heard) > ping + millis(pace.pong()) {
        conn.end_after_all(Close::SILENT, now);
        return;
    }
    let pinged = now.saturating_sub(conn.pinged.load(Ordering::Relaxed));
    if since(&conn.heard) > ping && pinged > ping {
        conn.pinged.store(now, Ordering::Relaxed);
        conn.say(&json!({"op": "ping"}), now);
        conn.queue.put_control(super::frame::Text::ping());
    }
    let clock = u64::try_from(ctx.now().utc().timestamp()).unwrap_or_default();
    look_at_token(clock, conn, now);
}

/// Whether something has waited for so long, and nothing was taken.
fn is_stalled(conn: &Conn, waiting: usize, now: u64, most: u64) -> bool {
    let since = conn.waits.load(Ordering::Relaxed);
    if waiting == 0 {
        conn.waits.store(0, Ordering::Relaxed);
    } else if since == 0 || conn.wrote.load(Ordering::Relaxed) > since {
        conn.waits.store(now, Ordering::Relaxed);
    } else {
        return now.saturating_sub(since) > most;
    }
    false
}

/// Announces the end of the token at `clock`, in seconds since 1970, or ends the connection after it.
fn look_at_token(clock: u64, conn: &Conn, now: u64) {
    let ends = conn.token_ends.load(Ordering::Relaxed);
    if ends == 0 {
        return;
    }
    if clock > ends + TOKEN_GRACE {
        conn.end_after_all(Close::TOKEN_EXPIRED, now);
    } else if clock + TOKEN_NOTICE >= ends && conn.noticed.swap(ends, Ordering::Relaxed) != ends {
        let left = ends.saturating_sub(clock);
        conn.say(&json!({"op": "token_expiring", "in_s": left}), now);
    }
}

/// Tells of positions that moved while there was nothing to tell.
fn tell_positions(hub: &Hub, conn: &Arc<Conn>, now: u64) {
    let mut moved = serde_json::Map::new();
    let epoch = hub.epoch();
    let rooms = conn.rooms().clone();
    for room in rooms {
        let mut state = room.lock();
        if let Some(sub) = state
            .find(conn.number)
            .filter(|sub| sub.gate.is_none() && sub.after > sub.told)
        {
            sub.told = sub.after;
            moved.insert(
                room.channel.to_string(),
                json!({"e": *epoch, "o": sub.after}),
            );
        }
    }
    if !moved.is_empty() {
        conn.say(&json!({"op": "pos", "d": moved}), now);
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::platform::realtime::queue::Item;

    /// When the token of [`conn`] runs out.
    const ENDS: u64 = 10_000;

    fn conn() -> Conn {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let conn = Conn::new(1, Transport::Socket, address, None, 1);
        conn.token_ends.store(ENDS, Ordering::Relaxed);
        conn
    }

    fn next(conn: &Conn) -> Option<Result<Item, Close>> {
        conn.queue.take(std::task::Waker::noop())
    }

    #[test]
    fn the_end_of_a_token_is_announced_once_and_comes_half_a_minute_after_it() {
        let conn = conn();
        look_at_token(ENDS - 61, &conn, 1);
        assert!(next(&conn).is_none(), "too soon");
        for clock in [ENDS - 60, ENDS - 30, ENDS, ENDS + 30] {
            look_at_token(clock, &conn, 1);
        }
        let told = next(&conn).expect("a word").expect("not the end");
        let told: serde_json::Value = serde_json::from_slice(&told.text.json()).expect("JSON");
        assert_eq!(told, json!({"op": "token_expiring", "in_s": 60}));
        assert!(next(&conn).is_none(), "once");
        look_at_token(ENDS + 31, &conn, 1);
        let end = next(&conn).expect("the end").expect_err("the end");
        assert_eq!(end.code, 4205);
    }

    #[test]
    fn a_token_that_is_refreshed_in_time_ends_nothing() {
        let conn = conn();
        look_at_token(ENDS - 10, &conn, 1);
        assert!(next(&conn).is_some());
        conn.token_ends.store(ENDS + 900, Ordering::Relaxed);
        look_at_token(ENDS + 31, &conn, 1);
        assert!(next(&conn).is_none());
        // The end of the new one is announced too.
        look_at_token(ENDS + 850, &conn, 1);
        assert!(matches!(next(&conn), Some(Ok(_))));
    }

    #[test]
    fn a_connection_without_a_token_has_no_such_end() {
        let conn = conn();
        conn.token_ends.store(0, Ordering::Relaxed);
        look_at_token(u64::MAX / 2, &conn, 1);
        assert!(next(&conn).is_none());
    }
}
