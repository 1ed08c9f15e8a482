//! Words that stand in rows and on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::Timestamp;

/// Which conversations a list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConversationFilter {
    /// Those that you are in and have not put away.
    #[default]
    Active,
    /// Those that strangers have begun.
    Requests,
    /// Those that you have put away, and groups that you have left.
    Archived,
    /// Active ones with something that you have not read.
    Unread,
}

impl ConversationFilter {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Requests => "requests",
            Self::Archived => "archived",
            Self::Unread => "unread",
        }
    }
}

/// What a list of conversations is narrowed to.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Which ones.
    pub filter: ConversationFilter,
    /// What titles or names of members hold, in lower case.
    pub q: Option<&'a str>,
    /// Only those that changed after this.
    pub updated_after: Option<Timestamp>,
}

/// Declares a choice of words: the same ones in SQL and in JSON.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$word_doc])* $word,)+ }

        impl $name {
            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text,)+ }
            }

            /// Reads the word; `None` for any other.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($text => Some(Self::$word),)+ _ => None }
            }
        }
    };
}

words! {
    /// How many talk with each other.
    ConversationKind {
        /// Two, who have this one conversation.
        Direct = "direct",
        /// Any number, who may come and go.
        Group = "group",
    }
}

words! {
    /// What a member of a group may do. Whoever comes first here may do more.
    MemberRole {
        /// Everything; there is one.
        Owner = "owner",
        /// Name the group, remove members, delete messages.
        Admin = "admin",
        /// Write, and add people.
        Member = "member",
    }
}

words! {
    /// How somebody is in a conversation.
    MemberState {
        /// Of a direct conversation in which nobody has written yet: not there for them.
        Unseen = "unseen",
        /// A stranger has written, or has added them: they may accept or decline.
        Request = "request",
        /// In it.
        Active = "active",
        /// They declined: not there for them.
        Declined = "declined",
        /// They left a group, or were removed: what was said until then is there.
        Left = "left",
    }
}

words! {
    /// How the viewer is in a conversation.
    ShownState {
        /// In it.
        Active = "active",
        /// Asked to it, by somebody who is no friend.
        Request = "request",
        /// No longer in it.
        Left = "left",
    }
}

words! {
    /// Who speaks.
    MessageKind {
        /// Somebody wrote it.
        Text = "text",
        /// It tells what happened in the conversation.
        System = "system",
    }
}

words! {
    /// What a system message tells.
    Action {
        /// The author made the group; its title is the content.
        Created = "created",
        /// The author gave the group the title that is the content, or took it away.
        Titled = "titled",
        /// The author added somebody.
        Added = "added",
        /// The author accepted to be in the group.
        Joined = "joined",
        /// The author removed somebody.
        Removed = "removed",
        /// The author left.
        Left = "left",
    }
}

impl MemberState {
    /// What the viewer is told of their own state; `None`: the conversation is not there for them.
    pub fn shown(self) -> Option<ShownState> {
        match self {
            Self::Active => Some(ShownState::Active),
            Self::Request => Some(ShownState::Request),
            Self::Left => Some(ShownState::Left),
            Self::Unseen | Self::Declined => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_same_in_sql_and_on_the_wire() {
        let states = ["unseen", "request", "active", "declined", "left"];
        for word in states {
            let state = MemberState::from_word(word).expect("a state");
            assert_eq!(serde_json::to_value(state).expect("JSON"), word);
            assert_eq!(state.as_str(), word);
        }
        assert_eq!(MemberState::from_word("banned"), None);
        assert!(MemberRole::Owner < MemberRole::Admin && MemberRole::Admin < MemberRole::Member);
    }
}
