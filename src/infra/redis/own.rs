//! A connection of a serving thread's own.
//!
//! The task that drives a connection runs where it was opened. A thread that waits for another one
//! to send its command and to take its reply in pays for two switches of threads in each round trip,
//! and its commands share no write. So each thread with a runtime of its own, as the workers of the
//! server are, opens one more connection beside the supervised one. It belongs to that one's
//! [`Link`]: it leads to the same run of the server, or it is not used, and it ends with the link.

use std::cell::RefCell;
use std::sync::{Arc, Weak};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::Link;
use super::server::run_id;

/// After a connection could not be opened; the supervised one serves meanwhile.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the server may take to say which run it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// A connection for a link; `None` while it is being opened.
type Own = (Weak<Link>, Option<MultiplexedConnection>);

thread_local! {
    static OWN: RefCell<Vec<Own>> = const { RefCell::new(Vec::new()) };
}

/// The connection to send commands on: this thread's own, or the supervised one where it has none. Says
/// whether it is the thread's own.
pub(super) fn connection(link: &Arc<Link>) -> (MultiplexedConnection, bool) {
    match find(link) {
        Some(own) => (own, true),
        None => (link.conn.clone(), false),
    }
}

/// Leaves this thread's connection, which is lost: whether the server is, the next command finds out on the
/// supervised one.
pub(super) fn leave(link: &Arc<Link>) {
    OWN.with_borrow_mut(|all| all.retain(|(of, _)| of.as_ptr() != Arc::as_ptr(link)));
}

fn find(link: &Arc<Link>) -> Option<MultiplexedConnection> {
    OWN.with_borrow_mut(|all| {
        let of_this = all.iter().find(|(of, _)| of.as_ptr() == Arc::as_ptr(link));
        if let Some((_, conn)) = of_this {
            return conn.clone();
        }
        all.retain(|(of, _)| of.strong_count() > 0);
        let runtime = Handle::try_current().ok()?;
        if runtime.runtime_flavor() == RuntimeFlavor::CurrentThread {
            all.push((Arc::downgrade(link), None));
            runtime.spawn(open(Arc::downgrade(link)));
        }
        None
    })
}

async fn open(link: Weak<Link>) {
    let opened = connect(&link).await;
    if opened.is_none() {
        tokio::time::sleep(PAUSE).await;
    }
    OWN.with_borrow_mut(|all| {
        let place = all.iter().position(|(of, _)| of.ptr_eq(&link));
        match (place, opened) {
            (Some(place), None) => drop(all.swap_remove(place)),
            (Some(place), conn) => {
                if let Some(own) = all.get_mut(place) {
                    own.1 = conn;
                }
            }
            (None, _) => {}
        }
    });
}

async fn connect(link: &Weak<Link>) -> Option<MultiplexedConnection> {
    let server = link.upgrade()?.server.clone();
    let mut conn = server.connect().await.ok()?;
    let asked = tokio::time::timeout(PATIENCE, run_id(&mut conn));
    let run_id = asked.await.ok()?.ok()?;
    (link.upgrade()?.run_id == run_id).then_some(conn)
}
