//! What is limited, for whom, and how a caller is told.
//!
//! [`policies`] is the list of limits; a domain names one beside each route that it wants limited, as
//! data ([`RouteLimit`]), and every route of the API counts towards the general one. Most are checked by
//! the door before the handler runs: [`plan`] says what to ask, [`Told`] what to answer.
//! Where it takes more than the request's line to know whom to count (the name that somebody signs in
//! with), the action asks, through [`Gate`]. Whoever is signed in is counted by their id wherever they
//! are, anybody else by address, with the token of a session that has ended too; a network of IPv6 (a /64) is one address, since one customer has it.

mod file;
mod gate;
mod headers;
pub mod policies;
mod route;
mod step;
mod subject;

pub use file::{figures, problems};
pub use gate::{Gate, Noted, Passed};
pub use headers::{HEADERS, Told};
pub use policies::{ALL, by_name, names};
pub use route::{By, RouteLimit, RouteLimits, at_door, in_action, instead_at_door, plan};
pub use step::{as_stranger, question, refusal, take_notes};
pub use subject::{NoSubject, NotCounted, Subject, network};
