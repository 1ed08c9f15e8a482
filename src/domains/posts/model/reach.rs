//! How far an audience reaches, to tell whether a change of it lets more people in.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::AudienceKind;

/// An audience as it is stored: its sort and the ids in its lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The sort.
    pub kind: AudienceKind,
    /// Whether a custom audience is all friends less those denied.
    pub allow_all_friends: bool,
    /// People and circles in the list of those allowed.
    pub allow: BTreeSet<Uuid>,
    /// People and circles in the list of those denied.
    pub deny: BTreeSet<Uuid>,
}

impl Reach {
    /// How far an audience reaches with these entries in its lists, each with whether it is denied.
    pub fn of(
        kind: AudienceKind,
        allow_all_friends: bool,
        entries: impl IntoIterator<Item = (Uuid, bool)>,
    ) -> Self {
        let (mut allow, mut deny) = (BTreeSet::new(), BTreeSet::new());
        for (id, is_denied) in entries {
            let list = if is_denied { &mut deny } else { &mut allow };
            list.insert(id);
        }
        Self {
            kind,
            allow_all_friends,
            allow,
            deny,
        }
    }

    /// Whether somebody may be let in who was not let in by `before`. In doubt it is so: a person
    /// may be in a circle that was named before, which ids alone do not tell.
    pub fn is_wider_than(&self, before: &Self) -> bool {
        let (rank, rank_before) = (self.rank(), before.rank());
        if rank != rank_before || self.kind != AudienceKind::Custom {
            return rank > rank_before;
        }
        let allows_more = if self.allow_all_friends {
            !before.allow_all_friends
        } else {
            !before.allow_all_friends && !self.allow.is_subset(&before.allow)
        };
        allows_more || !before.deny.is_subset(&self.deny)
    }

    /// Each sort takes in all of those below it.
    fn rank(&self) -> u8 {
        match self.kind {
            AudienceKind::OnlyMe => 0,
            AudienceKind::Custom => 1,
            AudienceKind::Friends => 2,
            AudienceKind::Public => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare(kind: AudienceKind) -> Reach {
        Reach {
            kind,
            allow_all_friends: true,
            allow: BTreeSet::new(),
            deny: BTreeSet::new(),
        }
    }

    fn custom(allow: Option<&[u128]>, deny: &[u128]) -> Reach {
        let ids = |ids: &[u128]| ids.iter().copied().map(Uuid::from_u128).collect();
        Reach {
            kind: AudienceKind::Custom,
            allow_all_friends: allow.is_none(),
            allow: ids(allow.unwrap_or_default()),
            deny: ids(deny),
        }
    }

    #[test]
    fn each_sort_is_wider_than_those_below_it() {
        use AudienceKind::{Custom, Friends, OnlyMe, Public};
        let order = [OnlyMe, Custom, Friends, Public].map(bare);
        for (place, one) in order.iter().enumerate() {
            for (other_place, other) in order.iter().enumerate() {
                assert_eq!(
                    one.is_wider_than(other),
                    place > other_place,
                    "{one:?} {other:?}"
                );
            }
        }
    }

    #[test]
    fn lists_are_wider_when_they_allow_more_or_deny_less() {
        let before = custom(Some(&[1, 2]), &[3, 4]);
        for wider in [
            custom(Some(&[1, 2, 5]), &[3, 4]),
            custom(Some(&[1, 2]), &[3]),
            custom(Some(&[5]), &[3, 4]),
            custom(None, &[3, 4]),
        ] {
            assert!(wider.is_wider_than(&before), "{wider:?}");
        }
        for not_wider in [
            custom(Some(&[1, 2]), &[3, 4]),
            custom(Some(&[1]), &[3, 4]),
            custom(Some(&[1, 2]), &[3, 4, 5]),
        ] {
            assert!(!not_wider.is_wider_than(&before), "{not_wider:?}");
        }
        assert!(!custom(Some(&[1]), &[]).is_wider_than(&custom(None, &[])));
    }
}
