//! Who sees, writes and manages.

use super::{ConversationKind, MemberRole, MemberState};
use crate::domains::users::MessagePolicy;

/// Most people in a group.
pub const MAX_MEMBERS: usize = 250;
/// Most people in a new group who are no friends of whoever makes it: each of them is told of it, as by a
/// message.
pub const MAX_STRANGERS: usize = 10;
/// Most members that are shown with a conversation.
pub const MEMBERS_SHOWN: usize = 10;
/// Characters of a message that are shown with an answer to it.
const EXCERPT: usize = 100;

/// Is a conversation there for somebody who is in it like this? The same rule as
/// `visible_conversation` in SQL. `is_hidden`: a block lies between the two of a direct one.
pub fn can_see_conversation(kind: ConversationKind, state: MemberState, is_hidden: bool) -> bool {
    state.shown().is_some() && !(kind == ConversationKind::Direct && is_hidden)
}

/// Does somebody with this setting take messages from a person whom they know, or do not know, as a
/// friend? From a stranger a first one is a request.
pub fn takes_messages(who_can_message: MessagePolicy, are_friends: bool) -> bool {
    match who_can_message {
        MessagePolicy::Everyone => true,
        MessagePolicy::Friends => are_friends,
        MessagePolicy::Nobody => false,
    }
}

/// May somebody write who is in a conversation as `mine`? `other` is the other one of a direct
/// conversation: their state, whether their account is active, and whether they take messages. Who
/// takes part is written to whatever their setting says; that somebody declined is not told.
pub fn can_write(mine: MemberState, other: Option<(MemberState, bool, bool)>) -> bool {
    matches!(mine, MemberState::Active | MemberState::Request)
        && other.is_none_or(|(state, is_active, takes)| {
            is_active && (state == MemberState::Active || takes)
        })
}

/// May somebody with this role name the group and delete what others said?
pub fn can_manage(role: MemberRole) -> bool {
    role <= MemberRole::Admin
}

/// May somebody with the role `mine` remove somebody with the role `theirs`?
pub fn can_remove(mine: MemberRole, theirs: MemberRole) -> bool {
    can_manage(mine) && mine < theirs
}

/// May what was said or deleted at these places of a conversation have changed whether something there is
/// new to somebody who has read up to `mark`, and to whom so many of the messages up to `top` are new? Only
/// if none before it was: places have no gap, and what is deleted is not new. It errs where of those
/// before it all are deleted, and then it says yes.
pub fn may_be_first_news(places: &[i64], mark: i64, (unread, top): (i64, i64)) -> bool {
    let first = places.iter().filter(|place| **place > mark).min();
    first.is_some_and(|first| *first == mark + 1 || unread <= top - first + 1)
}

/// The beginning of a message, to show with an answer to it.
pub fn excerpt(content: &str) -> String {
    let mut start: String = content.chars().take(EXCERPT).collect();
    if start.len() < content.len() {
        start.push('…');
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;
    use MemberState::{Active, Declined, Left, Request, Unseen};

    #[test]
    fn a_conversation_is_there_for_those_who_are_or_were_in_it_unless_a_block_hides_the_other() {
        use ConversationKind::{Direct, Group};
        for state in [Active, Request, Left] {
            assert!(can_see_conversation(Direct, state, false));
            assert!(!can_see_conversation(Direct, state, true));
            assert!(can_see_conversation(Group, state, true));
        }
        for state in [Unseen, Declined] {
            assert!(!can_see_conversation(Direct, state, false));
            assert!(!can_see_conversation(Group, state, false));
        }
    }

    #[test]
    fn a_setting_holds_until_the_other_takes_part_and_a_refusal_is_not_told() {
        assert!(
            takes_messages(MessagePolicy::Everyone, false)
                && takes_messages(MessagePolicy::Friends, true)
        );
        assert!(
            !takes_messages(MessagePolicy::Friends, false)
                && !takes_messages(MessagePolicy::Nobody, true)
        );
        for state in [Unseen, Request, Declined] {
            assert!(can_write(Active, Some((state, true, true))));
            assert!(!can_write(Active, Some((state, true, false))));
        }
        assert!(can_write(Active, Some((Active, true, false))));
        assert!(!can_write(Active, Some((Active, false, true))));
        assert!(can_write(Request, None) && !can_write(Left, None));
    }

    #[test]
    fn nobody_removes_an_equal() {
        use MemberRole::{Admin, Member, Owner};
        assert!(can_remove(Owner, Admin) && can_remove(Admin, Member));
        for (mine, theirs) in [(Admin, Admin), (Admin, Owner), (Member, Member)] {
            assert!(!can_remove(mine, theirs));
        }
    }

    #[test]
    fn only_the_first_of_what_is_new_makes_a_conversation_wait() {
        assert!(may_be_first_news(&[5], 4, (1, 5)));
        assert!(!may_be_first_news(&[6], 4, (2, 6)));
        assert!(!may_be_first_news(&[5], 5, (0, 5)), "read already");
        assert!(!may_be_first_news(&[], 4, (1, 5)), "nothing was said");
        // Two in one go; to whoever wrote the first, the second is the first.
        assert!(may_be_first_news(&[6, 5], 4, (2, 6)));
        assert!(may_be_first_news(&[6, 5], 5, (1, 6)));
        // The fifth is deleted: the sixth is the first, as is none if that goes too.
        assert!(may_be_first_news(&[6], 4, (1, 6)));
        assert!(may_be_first_news(&[6], 4, (0, 6)));
    }

    #[test]
    fn an_excerpt_is_cut_between_characters() {
        assert_eq!(excerpt("short"), "short");
        let long = "é".repeat(101);
        assert_eq!(excerpt(&long), format!("{}…", "é".repeat(100)));
    }
}
