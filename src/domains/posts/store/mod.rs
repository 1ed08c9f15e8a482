//! All SQL of posts, by noun.

pub mod audience;
pub mod counters;
pub mod hashtags;
pub mod lists;
pub mod marks;
pub mod posts;
pub mod purge;
pub mod revisions;
pub mod views;

use crate::domains::posts::model::AudienceKind;
use crate::stored_words;

stored_words!(AudienceKind);
