//! What the server says, as far as this client has to know.

use serde::Deserialize;
use serde_json::Value;

/// Any frame of the server.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Frame {
    pub re: Option<i64>,
    pub ok: bool,
    pub err: Refusal,
    pub op: String,
    pub ch: String,
    pub e: Option<String>,
    pub o: Option<i64>,
    pub t: Option<String>,
    pub op_id: Option<String>,
    pub after_ms: Option<u64>,
    pub reason: String,
    pub d: Value,
}

/// Why something is not done.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Refusal {
    pub code: String,
    pub retry: bool,
    pub action: String,
}

/// What is said of a channel.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Sub {
    pub e: Option<String>,
    pub o: Option<i64>,
    pub recovered: Option<bool>,
    pub err: Option<Refusal>,
}
