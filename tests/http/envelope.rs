//! What the envelope and the layers around it do to every request.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::app::{ID, ORIGIN, start};
use crate::{get, head, problem, send};

#[actix_web::test]
async fn a_panic_is_a_500_that_tells_nothing_and_reaches_the_page() {
    let base = start();
    for path in ["panic", "failing", "panic"] {
        let request = Client::new()
            .get(format!("{base}/v1/{path}"))
            .header("origin", ORIGIN);
        let response = send(request).await;
        assert_eq!(head(&response, "access-control-allow-origin"), ORIGIN);
        assert_eq!(head(&response, "cache-control"), "no-store");
        let body = problem(response, 500, "internal").await.to_string();
        assert!(
            !body.contains("purpose") && !body.contains("secret"),
            "{body}"
        );
    }
}

#[actix_web::test]
async fn refusals_carry_their_headers() {
    let base = start();
    let response = get(format!("{base}/v1/limited")).await;
    assert_eq!(head(&response, "retry-after"), "7");
    problem(response, 429, "rate_limited").await;
    let response = get(format!("{base}/v1/unsigned")).await;
    assert_eq!(head(&response, "www-authenticate"), "Bearer");
    problem(response, 401, "unauthenticated").await;
    let html = Client::new()
        .get(format!("{base}/v1/whoami"))
        .header("accept", "text/html");
    problem(send(html).await, 406, "not_acceptable").await;
    let ready = get(format!("{base}/readyz")).await;
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        ready.json::<Value>().await.expect("JSON"),
        json!({"status": "draining"})
    );
}

#[actix_web::test]
async fn the_request_id_is_echoed_or_made() {
    let base = start();
    let with = |id: &str| {
        Client::new()
            .get(format!("{base}/v1/whoami"))
            .header("x-request-id", id)
    };
    assert_eq!(
        head(&send(with("mine-1.2_3")).await, "x-request-id"),
        "mine-1.2_3"
    );
    assert_eq!(head(&send(with("not fit")).await, "x-request-id").len(), 32);
    let missing = Client::new()
        .get(format!("{base}/v1/none"))
        .header("x-request-id", "e-1");
    assert_eq!(
        problem(send(missing).await, 404, "not_found").await["request_id"],
        "e-1"
    );
}

#[actix_web::test]
async fn every_answer_has_the_headers_of_the_house() {
    let base = start();
    let api = get(format!("{base}/v1/whoami")).await;
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("strict-transport-security", "max-age=31536000"),
        ("cache-control", "private, no-cache"),
    ] {
        assert_eq!(head(&api, name), value, "{name}");
    }
    assert!(head(&api, "vary").starts_with("Authorization, Accept, Origin"));
    let docs = get(format!("{base}/docs/")).await;
    assert!(head(&docs, "content-security-policy").contains("'self'"));
    assert_eq!(head(&docs, "x-frame-options"), "");
}

#[actix_web::test]
async fn a_read_that_asked_the_cache_says_how_it_took_part() {
    let url = format!("{}/v1/asking", start());
    let read = send(Client::new().get(&url).header("origin", ORIGIN)).await;
    assert_eq!(head(&read, "cache-status"), "kith; hit; detail=l2");
    let timing = head(&read, "server-timing");
    let counted = "redis;desc=\"1\";dur=0.30, cache;desc=\"post l1=19, user l2=1\", total;dur=";
    assert!(timing.contains(counted), "{timing}");
    // Nothing counts statements in this process, and silence is not a count of none.
    assert!(!timing.contains("sql"), "{timing}");
    let exposed = head(&read, "access-control-expose-headers").to_lowercase();
    assert!(exposed.contains("cache-status") && exposed.contains("server-timing"));
    let write = send(Client::new().post(&url)).await;
    assert_eq!(head(&write, "cache-status"), "");
    let base = url.trim_end_matches("/asking");
    for path in ["whoami", "panic", "nothing"] {
        let silent = get(format!("{base}/{path}")).await;
        assert_eq!(head(&silent, "cache-status"), "", "{path}");
        assert!(head(&silent, "server-timing").contains("total;dur="));
    }
}

#[actix_web::test]
async fn a_copy_that_is_current_is_304_and_a_stale_edit_412() {
    let url = format!("{}/v1/things/{ID}", start());
    let first = get(url.clone()).await;
    assert_eq!(head(&first, "cache-control"), "private, no-cache");
    let tag = head(&first, "etag").to_owned();
    let again = send(Client::new().get(&url).header("if-none-match", &tag)).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(head(&again, "etag"), tag);
    assert!(again.bytes().await.expect("a body").is_empty());
    let edit = |tag: &str| Client::new().put(&url).header("if-match", tag);
    assert_eq!(send(edit(&tag)).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(send(edit("*")).await.status(), StatusCode::NO_CONTENT);
    for stale in ["\"3-0011223344556677\"", "nonsense"] {
        problem(send(edit(stale)).await, 412, "precondition_failed").await;
    }
}

#[actix_web::test]
async fn only_listed_origins_may_call_from_a_browser() {
    let base = start();
    let preflight = |origin: &str| {
        Client::new()
            .request(reqwest::Method::OPTIONS, format!("{base}/v1/things"))
            .header("origin", origin)
            .header("access-control-request-method", "PATCH")
            .header(
                "access-control-request-headers",
                "authorization,idempotency-key,if-match,rt-session,last-event-id",
            )
    };
    let allowed = send(preflight(ORIGIN)).await;
    assert_eq!(allowed.status(), StatusCode::OK);
    assert_eq!(head(&allowed, "access-control-allow-origin"), ORIGIN);
    assert_eq!(head(&allowed, "access-control-allow-credentials"), "true");
    assert_eq!(head(&allowed, "access-control-max-age"), "3600");
    for refused in [
        "null",
        "https://app.example.org.evil.example",
        "http://app.example.org",
    ] {
        let response = send(preflight(refused)).await;
        assert_eq!(head(&response, "access-control-allow-origin"), "");
        let body = problem(response, 403, "forbidden").await;
        assert!(
            body["detail"]
                .as_str()
                .is_some_and(|d| d.contains("KITH_ALLOWED_ORIGINS"))
        );
        let plain = Client::new()
            .get(format!("{base}/v1/whoami"))
            .header("origin", refused);
        assert_eq!(head(&send(plain).await, "access-control-allow-origin"), "");
    }
    let plain = Client::new()
        .get(format!("{base}/v1/nothing"))
        .header("origin", ORIGIN);
    let response = send(plain).await;
    assert_eq!(head(&response, "access-control-allow-origin"), ORIGIN);
    let exposed = head(&response, "access-control-expose-headers").to_lowercase();
    let exposed: Vec<&str> = exposed.split(',').map(str::trim).collect();
    for name in [
        "etag",
        "idempotent-replayed",
        "link",
        "location",
        "ratelimit",
        "ratelimit-policy",
        "retry-after",
        "x-ratelimit-limit",
        "x-ratelimit-policy",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-request-id",
    ] {
        assert!(exposed.contains(&name), "{name}: {exposed:?}");
    }
}

#[actix_web::test]
async fn a_forged_forwarding_header_changes_no_address() {
    let base = start();
    let address = async |hops: &str| {
        let request = Client::new()
            .get(format!("{base}/v1/whoami"))
            .header("x-forwarded-for", hops);
        let body: Value = send(request).await.json().await.expect("JSON");
        body["address"].as_str().expect("text").to_owned()
    };
    // The peer is trusted here; whatever stands left of the first stranger is hearsay.
    assert_eq!(address("1.1.1.1, 203.0.113.9").await, "203.0.113.9");
    assert_eq!(
        address("1.1.1.1, 203.0.113.9, 127.0.0.1").await,
        "203.0.113.9"
    );
    assert_eq!(address("nonsense").await, "127.0.0.1");
}

// ---- the log ----

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .expect("not poisoned")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[actix_web::test]
async fn a_request_is_one_line_in_the_log_without_its_query_and_a_fault_one_more() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).expect("the only subscriber");
    let base = start();
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (path, id) in [
        ("failing?q=private", "log-1"),
        ("things/7?q=private", "log-2"),
    ] {
        let request = Client::new()
            .get(format!("{base}/v1/{path}"))
            .header("x-request-id", id);
        send(request.header("traceparent", trace)).await;
    }
    let bytes = log.0.lock().expect("not poisoned").clone();
    let text = String::from_utf8(bytes).expect("text");
    let of = |id: &str| {
        text.lines()
            .filter(|line| line.contains(id))
            .collect::<Vec<_>>()
    };
    let failed = of("log-1");
    assert_eq!(failed.len(), 2, "{text}");
    assert!(
        failed[0].contains("ERROR") && failed[0].contains("secret cause"),
        "{text}"
    );
    assert!(
        failed[1].contains("status=500") && failed[1].contains("/v1/failing"),
        "{text}"
    );
    let missing = of("log-2");
    assert_eq!(missing.len(), 1, "{text}");
    assert!(missing[0].contains("/v1/things/{id}") && missing[0].contains("0af7651916cd43dd"));
    assert!(!text.contains("private"), "{text}");
}
