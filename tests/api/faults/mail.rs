//! The mail server is there and says nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpListener;

use super::soon;
use crate::support::TestApp;

/// A server that takes connections and never speaks: its address, and how many have come.
async fn silent() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let come = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&come);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    (format!("smtp://{address}"), come)
}

#[tokio::test]
async fn mails_that_hang_hold_up_nothing_else() {
    let (url, come) = silent().await;
    let app = TestApp::start_with(&[("KITH_SMTP_URL", &url)]).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    // Each is sent a mail.
    for number in 0..20 {
        app.register(&format!("person_{number}")).await;
    }
    soon("mails hang", async || come.load(Ordering::Relaxed) >= 4).await;
    let post = ada.post_to(&serde_json::json!("friends"), "hello").await;
    bob.comment_on(&post, "hello yourself").await;
    soon("she is told", async || {
        let told = ada.get("/v1/notifications").await.expect_status(200);
        told.json["data"]
            .as_array()
            .is_some_and(|list| list.iter().any(|one| one["kind"] == "comment"))
    })
    .await;
}
