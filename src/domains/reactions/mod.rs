//! Reactions to anything: a kit for the domains that own what people react to.
//!
//! Owns the tables `reaction` and `reaction_summary`. It has no routes and knows no targets but by
//! kind and id: the target's owner decides who may react and see, and calls these functions.
//! Invariants: a person has one reaction to a target at most; a target's summary changes in the
//! transaction of the reaction that it counts, last and in order of kind.

mod actions;
mod cache;
mod events;
mod model;
mod store;
mod view;

pub use actions::{react, unreact};
pub use cache::{OWN_REACTIONS, REACTORS, SPACES, SUMMARY};
pub use events::{ReactionChanged, events};
pub use model::{Kind, SetReaction, Summary, Target, TargetKind};
pub use store::{forget, recount};
pub use view::{Reaction, list, own, summaries, summaries_then};
