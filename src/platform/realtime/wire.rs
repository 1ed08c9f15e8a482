//! The frames of clients, and the replies to them.

use serde_json::{Map, Value, json};

use super::Inbound;
use crate::kernel::text::Refusal;
use crate::kernel::{Code, Error, FieldError, Kind, Result};
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
        Ok(Value::Array(frames)) if frames.len() > MOST_IN_BATCH => vec![Err(Unread {
            id: None,
            error: malformed("A message holds at most 32 frames."),
        })],
        Ok(Value::Array(frames)) => frames.into_iter().map(request).collect(),
        Ok(frame) => vec![request(frame)],
        Err(error) => vec![Err(Unread { id: None, error })],
    }
}

/// Reads the body of a request: one frame, or a list of frames. Like any other body it is valid as a whole or not at
/// all, so that nothing of it is done where a frame cannot be read.
pub fn read_body(body: Value) -> Result<Vec<Request>> {
    let frames = match body {
        Value::Array(frames) if frames.len() > MOST_IN_BATCH => {
            let detail = "At most 32 frames go into one request.";
            return Err(Error::invalid_field("", "too_many", detail));
        }
        Value::Array(frames) => frames,
        frame => {
            return one_of_body(frame, "")
                .map(|request| vec![request])
                .map_err(Error::invalid);
        }
    };
    let (mut requests, mut faults) = (Vec::new(), Vec::new());
    for (index, frame) in frames.into_iter().enumerate() {
        match one_of_body(frame, &format!("/{index}")) {
            Ok(request) => requests.push(request),
            Err(more) => faults.extend(more),
        }
    }
    if faults.is_empty() {
        return Ok(requests);
    }
    Err(Error::invalid(faults))
}

/// A frame of a body, or what is wrong with it; `place` is where it stands.
fn one_of_body(frame: Value, place: &str) -> Result<Request, Vec<FieldError>> {
    if !frame.is_object() {
        let refusal = Refusal::new("wrong_type", "A frame is a JSON object.");
        return Err(vec![refusal.at(place)]);
    }
    request(frame).map_err(|unread| {
        let fields = unread.error.fields().iter().cloned();
        let within = |field: FieldError| FieldError {
            pointer: format!("{place}{}", field.pointer),
            ..field
        };
        fields.map(within).collect()
    })
}

fn request(frame: Value) -> Result<Request, Unread> {
    let Value::Object(mut members) = frame else {
        return Err(Unread {
            id: None,
            error: malformed("A frame is a JSON object."),
        });
    };
    let given = members.remove("id").filter(|id| !id.is_null());
    let id = given.as_ref().and_then(Value::as_i64);
    if given.is_some() && id.is_none() {
        let error = Error::invalid_field("/id", "wrong_type", "Expected a whole number.");
        return Err(Unread { id, error });
    }
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
        Some(d @ Value::Object(_)) => d,
        Some(_other) => {
            let detail = "Expected a JSON object.";
            return Err(Error::invalid_field("/d", "wrong_type", detail));
        }
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
        for text in [r#"{"id":"x","op":"ping"}"#, r#"{"id":1.5,"op":"ping"}"#] {
            assert_eq!(unread(text), (None, Code::ValidationFailed));
        }
        assert_eq!(
            unread(r#"{"id":7,"op":"ping","d":[]}"#),
            (Some(7), Code::ValidationFailed)
        );
        let many = format!("[{}]", vec![r#"{"op":"ping"}"#; 33].join(","));
        assert_eq!(unread(&many), (None, Code::MalformedRequest));
    }

    #[test]
    fn a_body_is_read_whole_or_every_frame_at_fault_is_named() {
        let places = |body: Value| -> Vec<String> {
            let error = read_body(body).expect_err("refused");
            assert_eq!(error.code(), Code::ValidationFailed);
            let fields = error.fields().iter();
            fields.map(|field| field.pointer.clone()).collect()
        };
        for body in [
            json!(5),
            json!(null),
            json!("ping"),
            json!(vec![json!({}); 33]),
        ] {
            assert_eq!(places(body), [""]);
        }
        assert_eq!(places(json!({})), ["/op"]);
        let some = json!([{"op": "ping"}, 1, {"op": "ping", "d": 5}, {"id": "x", "op": "ping"}]);
        assert_eq!(places(some), ["/1", "/2/d", "/3/id"]);
        let read = |body: Value| read_body(body).expect("read").len();
        let frame = json!({"id": null, "op": "ping", "d": null});
        assert_eq!(read(frame.clone()), 1);
        assert_eq!((read(json!([])), read(json!(vec![frame; 32]))), (0, 32));
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
