//! kith's HTTP conventions on actix-web: problem details, strict bodies and queries, paging,
//! entity tags, and the envelope around every request.
//!
//! An application wraps them in this order, with the door among them and the envelope outermost:
//! `.configure(|cfg| setup.install(cfg)).default_service(web::to(not_found))`
//! `.wrap(from_fn(refuse_parameters)).wrap(from_fn(door))`
//! `.wrap(from_fn(catch_panics)).wrap(Compress::default()).wrap(cors(..)).wrap(from_fn(envelope))`.

mod body;
mod client;
mod cors;
mod costs;
mod envelope;
mod etag;
mod fault;
mod fit;
mod json;
mod line;
mod listing;
mod not_found;
mod params;
mod patch;
mod path;
mod plain;
mod problem;
mod query;
mod request_id;
mod respond;
mod routed;
mod serve;
mod settle;
mod setup;
mod text;

pub use body::{AnyJson, Body, BodyDigest, BodyLimit, OptionalBody};
pub use client::{ClientAddress, TrustedProxies};
pub use cors::cors;
pub use costs::OpenCosts;
pub use envelope::{catch_panics, envelope};
pub use etag::{IfMatch, entity_tag, json_with_etag};
pub use fit::fit;
pub use json::{digest as digest_of, parse as read_json};
pub use line::{Handover, LineGrip};
pub use listing::{ListOf, Listing, MAX_LIMIT, NoFilter, PageLinks, PageParams};
pub use not_found::{RouteTable, not_found};
pub use params::{IdList, Params};
pub use patch::{Patch, not_null};
pub use path::{PathOf, UserRef};
pub use plain::{PlainOperations, refuse_parameters};
pub use problem::{HttpResult, Problem, ProblemBody, ProblemField, status_of};
pub use request_id::{RequestId, TraceContext};
pub use respond::{accepted, no_content, no_store, ok, unkept};
pub use routed::{path_of, template_of};
pub use serve::serve;
pub use setup::{HttpSetup, PublicUrl};
