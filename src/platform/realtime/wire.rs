//! The frames of clients, and the replies to them.

use serde_json::{Map, Value, json};

use super::Inbound;
use crate::kernel::{Code, Error, Kind, Result};
use crate::platform::http::{read_json, status_of};

/// Most frames in one message.
pub const MOST_IN_BATCH: usize = 32;

/// A frame that a client sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// The client's number for it, which comes back in the reply.
    pub id: Option<i64>,
    /// What is asked.
    pub op: String,
    /// Its content.
    pub inbound: Inbound,
}

/// A frame that could not be read, as far as it could.
#[derive(Debug)]
pub struct Unread {
    /// The client's number for it.
    pub id: Option<i64>,
    /// What is wrong.
    pub error: Error,
}

/// Reads a message: one frame, or a list of frames.
pub fn read(text: &[u8]) -> Vec<Result<Request, Unread>> {
    match read_json(text) {
        Ok(value) => read_value(value),
        Err(error) => vec![Err(Unread { id: None, error })],
    }
}

/// The same for JSON that was read already.
pub fn read_value(value: Value) -> Vec<Result<Request, Unread>> {
    match value {
        Value::Array(frames) if frames.len() > MOST_IN_BATCH => vec![Err(Unread {
            id: None,
            error: malformed("A message holds at most 32 frames."),
        })],
        Value::Array(frames) => frames.into_iter().map(request).collect(),
        frame => vec![request(frame)],
    }
}

fn request(frame: Value) -> Result<Request, Unread> {
    let Value::Object(mut members) = frame else {
        return Err(Unread {
            id: None,
            error: malformed("A frame is a JSON object."),
        });
    };
    let id = members.remove("id").and_then(|id| id.as_i64());
    read_members(members, id).map_err(|error| Unread { id, error })
}

fn read_members(mut members: Map<String, Value>, id: Option<i64>) -> Result<Request> {
    let text = |value: Option<Value>, name: &str| match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_other) => Err(Error::invalid_field(
            format!("/{name}"),
            "wrong_type",
            "Expected a string.",
        )),
    };
    let op = text(members.remove("op"), "op")?;
    let op_id = text(members.remove("op_id"), "op_id")?;
    let d = match members.remove("d") {
        None | Some(Value::Null) => json!({}),
        Some(d) => d,
    };
    if let Some(unknown) = members.keys().next() {
        return Err(Error::invalid_field(
            format!("/{unknown}"),
            "unknown_field",
            "A frame has the members id, op, op_id and d.",
        ));
    }
    let op = op.ok_or_else(|| {
        Error::invalid_field("/op", "required", "Say what you want, as `subscribe`.")
    })?;
    Ok(Request {
        id,
        op,
        inbound: Inbound { d, op_id },
    })
}

fn malformed(detail: &'static str) -> Error {
    Error::new(Code::MalformedRequest, detail)
}

/// The reply to a frame.
pub fn reply(id: Option<i64>, outcome: &Result<Value>) -> Value {
    match outcome {
        Ok(d) => json!({"re": id, "ok": true, "d": d}),
        Err(error) => json!({"re": id, "ok": false, "err": refusal(error)}),
    }
}

/// An error as sockets tell it: the codes are those of the routes, and `retry` is the verdict.
pub fn refusal(error: &Error) -> Value {
    let code = error.code();
    let action = match (code, code.kind()) {
        (Code::TokenExpired | Code::InvalidToken, _) => Some("refresh"),
        (Code::Unrecoverable, _) => Some("resync"),
        (Code::IdempotencyInProgress, _) | (_, Kind::Limited) => Some("wait"),
        (_, Kind::Unavailable | Kind::Internal) => Some("back_off"),
        _ => None,
    };
    let mut refusal = json!({
        "code": code.as_str(),
        "n": status_of(code.kind()).as_u16(),
        "retry": action.is_some(),
        "msg": error.detail(),
    });
    if let Some(members) = refusal.as_object_mut() {
        if let Some(action) = action {
            members.insert("action".to_owned(), json!(action));
        }
        if let Some(seconds) = error.retry_after() {
            members.insert("after_ms".to_owned(), json!(u64::from(seconds) * 1_000));
        }
        if !error.fields().is_empty() {
            let fields = error.fields().iter().map(|field| {
                json!({"pointer": field.pointer, "code": field.code, "detail": field.detail})
            });
            members.insert("errors".to_owned(), fields.collect());
        }
    }
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_still_names_its_request_where_it_can() {
        let unread = |text: &str| match read(text.as_bytes()).remove(0) {
            Err(unread) => (unread.id, unread.error.code()),
            Ok(request) => panic!("{request:?} was read"),
        };
        assert_eq!(unread("{"), (None, Code::MalformedRequest));
        assert_eq!(unread("7"), (None, Code::MalformedRequest));
        assert_eq!(unread(r#"{"id":7}"#), (Some(7), Code::ValidationFailed));
        assert_eq!(
            unread(r#"{"id":7,"op":"x","y":1}"#),
            (Some(7), Code::ValidationFailed)
        );
        let many = format!("[{}]", vec![r#"{"op":"ping"}"#; 33].join(","));
        assert_eq!(unread(&many), (None, Code::MalformedRequest));
    }

    #[test]
    fn a_reply_names_the_request_and_says_whether_to_try_again() {
        let refused = reply(Some(7), &Err(Error::not_found()));
        assert_eq!(
            (&refused["re"], &refused["err"]["retry"]),
            (&json!(7), &json!(false))
        );
        let late = Error::from(Code::RateLimited).with_retry_after(3);
        let refused = reply(None, &Err(late));
        assert_eq!(refused["err"]["after_ms"], 3_000);
        assert_eq!(refused["err"]["action"], "wait");
    }
}
