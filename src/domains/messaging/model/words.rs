//! Words that stand in rows and on the wire.

use crate::kernel::Timestamp;
use crate::words;

words! {
    /// Which conversations a list shows.
    #[derive(Default)]
    pub enum ConversationFilter {
        /// Those that you are in and have not put away.
        #[default]
        Active = "active",
        /// Those that strangers have begun.
        Requests = "requests",
        /// Those that you have put away, and groups that you have left.
        Archived = "archived",
        /// Active ones with something that you have not read.
        Unread = "unread",
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

words! {
    /// How many talk with each other.
    pub enum ConversationKind {
        /// Two, who have this one conversation.
        Direct = "direct",
        /// Any number, who may come and go.
        Group = "group",
    }
}

words! {
    /// What a member of a group may do. Whoever comes first here may do more.
    pub enum MemberRole {
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
    pub enum MemberState {
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
    pub enum ShownState {
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
    pub enum MessageKind {
        /// Somebody wrote it.
        Text = "text",
        /// It tells what happened in the conversation.
        System = "system",
    }
}

words! {
    /// What a system message tells.
    pub enum Action {
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
    fn whoever_may_do_more_comes_first() {
        assert!(MemberRole::Owner < MemberRole::Admin && MemberRole::Admin < MemberRole::Member);
    }
}
