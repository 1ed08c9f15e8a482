//! People as others see them: names, profile, settings, counters.
//!
//! Owns the tables `account`, `former_username`, `user_settings` and `user_counter`. Invariants: a
//! username is one person's at a time and leads to them for 90 days after they gave it up; an
//! account's counters change in the transaction of what they count.

mod actions;
mod cache;
mod jobs;
mod live;
mod model;
mod routes;
mod store;
mod view;

pub use actions::{act_on, create_account, mark_deleted};
pub use cache::{SETTINGS, SPACES, USER, USER_COUNTS};
pub use jobs::jobs;
pub use live::{LIVE, tell_changed};
pub use model::{
    Bio, DisplayName, FriendListAudience, Location, MessagePolicy, NewAccount, RequestPolicy,
    SimpleAudience, Username, mention,
};
pub use routes::{LIMITS, configure};
pub use store::{
    AccountRow, SettingsRow, Tally, UserCounts, bump, find_account, find_by_username, lock_account,
    recount, set_role, set_state, walk_accounts,
};
pub use view::{
    Counts, Me, Person, Profile, me, people, people_in_order, people_page, person,
    require_current_name, resolve,
};
