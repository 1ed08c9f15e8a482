//! Frames that do what a request does: taken apart as that would be, and as one operation with it where
//! both name it alike.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Inbound;
use crate::kernel::ids::Id;
use crate::kernel::{Error, Result};
use crate::platform::http::fit;
use crate::platform::sessions::CurrentUser;
use crate::platform::write::{OpKey, run_as};
use crate::platform::{Answer, Ctx, Tx};

/// A frame taken apart: what a path would name, and what a body would hold.
#[derive(Debug)]
pub struct Apart<I> {
    /// The thing that the path names.
    pub id: I,
    /// What makes it one operation with its request, if the frame has an `op_id`.
    pub key: Option<OpKey>,
    body: Value,
}

impl<I: Id + std::str::FromStr> Apart<I> {
    /// Takes a frame apart whose member `name` is what `{id}` is in the template `route`.
    pub fn of(frame: &Inbound, name: &str, route: &'static str) -> Result<Self> {
        let mut body: Map<String, Value> = frame.body()?;
        let named = body.remove(name);
        let id = named.as_ref().and_then(Value::as_str);
        let Some(id) = id.and_then(|id| id.parse::<I>().ok()) else {
            let detail = "Name it by its id.";
            return Err(Error::invalid_field(format!("/{name}"), "required", detail));
        };
        let body = Value::Object(body);
        let path = route.replace("{id}", &id.to_string());
        let key = key_of(frame, route, &path, &body)?;
        Ok(Self { id, key, body })
    }

    /// What a body would hold.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T> {
        fit(self.body.clone())
    }
}

/// The operation that a frame is, as a request to `path` with this body.
pub fn key_of(
    frame: &Inbound,
    route: &'static str,
    path: &str,
    body: &Value,
) -> Result<Option<OpKey>> {
    let key = |op_id: &String| OpKey::new(op_id, route, path, body);
    frame.op_id.as_ref().map(key).transpose()
}

/// Does what a frame asks, and gives the answer under its name.
pub async fn answer_as(
    ctx: &Ctx,
    me: CurrentUser,
    key: Option<OpKey>,
    name: &str,
    action: impl AsyncFn(&mut Tx) -> Result<Answer>,
) -> Result<Value> {
    let (answer, _is_replayed) = run_as(ctx, me.id, key, action).await?;
    under(name, &answer)
}

/// An answer under its name; nothing where there is none.
pub fn under(name: &str, answer: &Answer) -> Result<Value> {
    if answer.body.is_empty() {
        return Ok(json!({}));
    }
    let body: Value = serde_json::from_slice(&answer.body).map_err(Error::internal)?;
    Ok(json!({ name: body }))
}

/// For frames that name a thing and say nothing else of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NothingElse {}
