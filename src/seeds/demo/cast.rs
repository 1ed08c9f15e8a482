//! Who plays which part. The usernames are stable: documents and frontends may rely on them.

use chrono::TimeDelta;

use crate::domains::users::{FriendListAudience, RequestPolicy, SimpleAudience};
use crate::kernel::Timestamp;
use crate::platform::sessions;
use crate::seeds::dataset::{Account, State};
use crate::seeds::people::DEMO_PASSWORD;

/// What is special about somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Nearly everybody's friend.
    Popular,
    /// Nothing.
    Ordinary,
    /// Has just joined: no friends, no posts.
    New,
    /// Two friends, hidden from search, nothing public.
    Private,
    /// One of two who blocked each other.
    Blocked,
    /// May judge what others report.
    Moderator,
    /// May do everything.
    Admin,
    /// Was suspended.
    Suspended,
    /// Deleted the account; posts and comments are left.
    Gone,
}

/// Somebody of the cast.
#[derive(Debug)]
pub struct Role {
    /// Stable username.
    pub username: &'static str,
    /// The name that people read.
    pub display_name: &'static str,
    /// What is special.
    pub part: Part,
    /// The same in words.
    pub what: &'static str,
}

const fn role(
    username: &'static str,
    display_name: &'static str,
    part: Part,
    what: &'static str,
) -> Role {
    Role {
        username,
        display_name,
        part,
        what,
    }
}

/// The cast; it comes before everybody else.
pub const CAST: &[Role] = &[
    role(
        "alice",
        "Alice Novak",
        Part::Popular,
        "popular: friends with most people, full feed and requests",
    ),
    role(
        "bob",
        "Bob Fischer",
        Part::Ordinary,
        "an ordinary person, friend of alice",
    ),
    role(
        "newbie",
        "Nico New",
        Part::New,
        "just joined: no friends, no posts",
    ),
    role(
        "hermit",
        "Hedda Stille",
        Part::Private,
        "private: two friends, hidden from search, nothing public",
    ),
    role(
        "dave",
        "Dave Stone",
        Part::Blocked,
        "blocked erin, and is blocked by erin",
    ),
    role(
        "erin",
        "Erin Fox",
        Part::Blocked,
        "blocked dave, and is blocked by dave",
    ),
    role("mona_mod", "Mona Meyer", Part::Moderator, "moderator"),
    role("ada_admin", "Ada Lindberg", Part::Admin, "admin"),
    role(
        "sid_suspended",
        "Sid Vargas",
        Part::Suspended,
        "suspended: sign-in is refused",
    ),
    role(
        "gone",
        "Gerda Gone",
        Part::Gone,
        "deleted: sign-in is refused, posts and comments are left",
    ),
    role(
        "long_name",
        "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh de la Santísima Trinidad X",
        Part::Ordinary,
        "a name of 80 characters",
    ),
    role(
        "rtl",
        "ليلى الحسن",
        Part::Ordinary,
        "a name written from right to left",
    ),
    role("cjk", "山田 花子", Part::Ordinary, "a name in Japanese"),
    role("emoji", "Zoë 🌻👩🏽‍🚀✨", Part::Ordinary, "a name with emoji"),
];

/// Where somebody of the cast stands among the people.
pub fn place(username: &str) -> Option<usize> {
    CAST.iter().position(|role| role.username == username)
}

/// The cast as username, password and what is special, for whoever wants to sign in.
pub fn demo_accounts() -> Vec<(&'static str, &'static str, &'static str)> {
    CAST.iter()
        .map(|role| (role.username, DEMO_PASSWORD, role.what))
        .collect()
}

impl Role {
    /// Gives an account what the part asks for.
    pub fn play(&self, account: &mut Account, at: Timestamp) {
        self.display_name.clone_into(&mut account.display_name);
        account.settings.language = match self.username {
            "rtl" => "ar",
            "cjk" => "ja",
            _ => "en",
        };
        match self.part {
            Part::Popular => account.settings.who_sees_friends = FriendListAudience::Public,
            Part::Ordinary | Part::Blocked => {}
            Part::New => {
                account.created_at = at - TimeDelta::hours(1);
                account.bio.clear();
                account.location.clear();
            }
            Part::Private => {
                account.settings.findable = false;
                account.settings.default_audience = SimpleAudience::OnlyMe;
                account.settings.who_can_request = RequestPolicy::Nobody;
                account.settings.who_sees_friends = FriendListAudience::OnlyMe;
            }
            Part::Moderator => account.role = sessions::Role::Moderator,
            Part::Admin => account.role = sessions::Role::Admin,
            Part::Suspended => account.state = State::Suspended,
            Part::Gone => {
                account.state = State::Deleted(at - TimeDelta::days(2));
                account.bio.clear();
                account.location.clear();
            }
        }
    }

    /// How much the person writes, who would usually write so much.
    pub fn posts(&self, usual: u32) -> u32 {
        match self.part {
            Part::Popular => 40,
            Part::New => 0,
            Part::Private => 5,
            Part::Gone => 4,
            _ => usual.max(6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domains::users::{DisplayName, Username};

    #[test]
    fn the_cast_has_names_that_people_may_have() {
        for role in CAST {
            assert!(Username::parse(role.username).is_ok(), "{}", role.username);
            let name = DisplayName::parse(role.display_name.to_owned());
            assert!(name.is_ok(), "{}", role.display_name);
        }
        assert_eq!(
            CAST.iter()
                .filter(|r| r.display_name.chars().count() == 80)
                .count(),
            1
        );
    }
}
