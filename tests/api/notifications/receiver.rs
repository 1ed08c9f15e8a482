//! A push service on a real socket, and a browser that reads what it is sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kith::kernel::mac::hmac_sha256;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::PATIENCE;
use crate::support::Session;

/// What the service was sent.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// Where to.
    pub path: String,
    /// Headers, by name in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

/// A push service. It answers as it is told, and 201 when it is told nothing.
pub struct Receiver {
    /// Its address, without a slash at its end.
    pub url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    pushed: Vec<Pushed>,
    answers: Vec<String>,
}

impl Receiver {
    /// Starts one.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { url, state }
    }

    /// The answers to what comes next: a status, and headers if any; `hang` is no answer at all.
    pub fn answer(&self, answers: &[&str]) {
        let mut state = self.state.lock().expect("nobody panicked");
        state.answers = answers.iter().map(|one| (*one).to_owned()).collect();
    }

    /// What came so far.
    pub fn pushed(&self) -> Vec<Pushed> {
        self.state.lock().expect("nobody panicked").pushed.clone()
    }

    /// Waits until so much has come.
    pub async fn wait_for(&self, count: usize) -> Vec<Pushed> {
        let begun = tokio::time::Instant::now();
        loop {
            let pushed = self.pushed();
            if pushed.len() >= count {
                return pushed;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{} came of {count}",
                pushed.len()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut bytes = Vec::new();
    loop {
        let Some(request) = read(&mut stream, &mut bytes).await else {
            return;
        };
        let answer = {
            let mut state = state.lock().expect("nobody panicked");
            state.pushed.push(request);
            if state.answers.is_empty() {
                "201 Created".to_owned()
            } else {
                state.answers.remove(0)
            }
        };
        if answer == "hang" {
            tokio::time::sleep(Duration::from_hours(1)).await;
        }
        let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// One request off the socket; `None` at its end.
async fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<Pushed> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut headers);
        if let Ok(httparse::Status::Complete(head)) = request.parse(bytes) {
            let named = request.headers.iter().map(|header| {
                let value = String::from_utf8_lossy(header.value).into_owned();
                (header.name.to_lowercase(), value)
            });
            let headers: BTreeMap<String, String> = named.collect();
            let length: usize = headers["content-length"].parse().expect("a length");
            if bytes.len() >= head + length {
                let path = request.path.expect("a path").to_owned();
                let body = bytes[head..head + length].to_vec();
                bytes.drain(..head + length);
                return Some(Pushed {
                    path,
                    headers,
                    body,
                });
            }
        }
        let mut more = [0; 8_192];
        match stream.read(&mut more).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&more[..count]),
        }
    }
}

/// A browser with a subscription.
pub struct Browser {
    private: PrivateKey,
    public: Vec<u8>,
    auth: [u8; 16],
}

impl Browser {
    /// A browser with keys of its own.
    pub fn new() -> Self {
        let private = PrivateKey::generate(&ECDH_P256).expect("a key");
        let public = private.compute_public_key().expect("a public key");
        Self {
            public: public.as_ref().to_vec(),
            private,
            auth: [42; 16],
        }
    }

    /// The body that subscribes it at `endpoint`.
    pub fn subscription(&self, endpoint: &str) -> Value {
        json!({
            "kind": "webpush",
            "endpoint": endpoint,
            "keys": {
                "p256dh": URL_SAFE_NO_PAD.encode(&self.public),
                "auth": URL_SAFE_NO_PAD.encode(self.auth),
            },
        })
    }

    /// Subscribes it for `who`.
    pub async fn subscribe(&self, who: &Session, device: &str, endpoint: &str) {
        let path = format!("/v1/me/push-subscriptions/{device}");
        let subscription = self.subscription(endpoint);
        who.put(&path, &subscription).await.expect_status(200);
    }

    /// Reads a message, as RFC 8291 says.
    pub fn read(&self, body: &[u8]) -> Value {
        let (salt, rest) = body.split_at(16);
        assert_eq!(rest[4], 65, "the length of a key");
        let (theirs, sealed) = (&rest[5..70], &rest[70..]);
        let key = UnparsedPublicKey::new(&ECDH_P256, theirs);
        let secret = agree(&self.private, key, (), |secret| Ok(secret.to_vec())).expect("agreed");
        let pad = |key: &[u8]| {
            let mut block = [0; 32];
            block[..key.len()].copy_from_slice(key);
            block
        };
        let pre_key = hmac_sha256(&pad(&self.auth), &[&secret]);
        let info: [&[u8]; 4] = [b"WebPush: info\0", &self.public, theirs, &[1]];
        let input = hmac_sha256(&pre_key, &info);
        let key = hmac_sha256(&pad(salt), &[&input]);
        let content_key = hmac_sha256(&key, &[b"Content-Encoding: aes128gcm\0\x01"]);
        let nonce = hmac_sha256(&key, &[b"Content-Encoding: nonce\0\x01"]);
        let opener = UnboundKey::new(&AES_128_GCM, &content_key[..16]).expect("a key");
        let nonce = Nonce::try_assume_unique_for_key(&nonce[..12]).expect("a nonce");
        let mut sealed = sealed.to_vec();
        let text = LessSafeKey::new(opener)
            .open_in_place(nonce, Aad::empty(), &mut sealed)
            .expect("it is for this browser");
        let (last, text) = text.split_last().expect("a delimiter");
        assert_eq!(*last, 2, "one record");
        serde_json::from_slice(text).expect("JSON")
    }
}
