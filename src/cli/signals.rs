//! The signals that ask the program to end.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancelled by the first SIGINT, SIGTERM or SIGHUP. A second one ends the program at once.
pub fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    let listen = |kind| signal(kind).context("could not listen for signals");
    let mut signals = [
        (listen(SignalKind::interrupt())?, 130),
        (listen(SignalKind::terminate())?, 143),
        (listen(SignalKind::hangup())?, 129),
    ];
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        next(&mut signals).await;
        tracing::info!("stopping: finishing what was begun; signal again to end at once");
        stopping.cancel();
        let code = next(&mut signals).await;
        std::process::exit(code);
    });
    Ok(stop)
}

/// Waits for one of them and gives the exit code that a shell would.
async fn next(signals: &mut [(Signal, i32); 3]) -> i32 {
    let [
        (interrupt, on_interrupt),
        (terminate, on_terminate),
        (hang_up, on_hang_up),
    ] = signals;
    tokio::select! {
        _ = interrupt.recv() => *on_interrupt,
        _ = terminate.recv() => *on_terminate,
        _ = hang_up.recv() => *on_hang_up,
    }
}
