//! Write use cases of posts.

mod audience;
mod create;
mod edit;
mod guard;
mod marks;
mod remove;
mod views;

pub use create::{NewPost, create};
pub use edit::{PostChange, edit};
pub use guard::{guard_for_write, guard_within, named_in_body};
pub use marks::{hide, mute, react, save, unhide, unmute, unreact, unsave};
pub use remove::{delete, restore};
pub use views::Views;
