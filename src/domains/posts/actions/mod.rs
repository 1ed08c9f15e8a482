//! Write use cases of posts.

mod audience;
mod create;
mod edit;
mod guard;
mod marks;
mod remove;
mod views;

pub use create::{NewPost, create_post};
pub use edit::{PostChange, update_post};
pub use guard::{guard_for_write, guard_within, named_in_body};
pub use marks::{hide, mute, react, save, unhide, unmute, unreact, unsave};
pub use remove::{delete_post, restore_post};
pub use views::Views;
