//! What a post is and may say.

mod audience;
mod entities;
mod entry;
mod reach;

pub use audience::{AudienceInput, AudienceKind, Wanted};
pub use entities::{Entity, entities, hashtags, mentioned_names, normal_tag};
pub use entry::{Circles, Member, PostCounters, PostEntry, PostMarksEntry, can_see_post};
pub use reach::Reach;

use chrono::TimeDelta;

use crate::kernel::text::{Refusal, is_blank};
use crate::kernel::{PostId, UserId};
use crate::text_type;

/// How long a deleted post can be restored.
pub const RESTORABLE: TimeDelta = TimeDelta::days(30);

/// What others need to know of a post that the viewer may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The post.
    pub post_id: PostId,
    /// Who wrote it.
    pub author_id: UserId,
    /// The sort of its audience.
    pub audience: AudienceKind,
    /// Counts edits.
    pub version: i64,
    /// The post that it shares.
    pub shared_post_id: Option<PostId>,
}

text_type!(
    /// The text of a post. A share may be without one.
    PostContent, 0..=10000, multiline
);

impl PostContent {
    /// Whether there is anything to read.
    pub fn is_blank(&self) -> bool {
        is_blank(self.as_str())
    }
}

/// The refusal of a post without a text that can be seen.
pub fn blank() -> Refusal {
    Refusal::new(
        "too_short",
        "A post says something, unless it shares another post.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_invisible_characters_is_blank() {
        let blank = |text: &str| PostContent::parse(text.to_owned()).map(|text| text.is_blank());
        for text in ["", "  \n\t", "\u{200b}\u{feff}", "\u{3164}\u{2800}"] {
            assert_eq!(blank(text), Ok(true), "{text:?}");
        }
        for text in ["a", " . ", "\u{200b}é", "🙂"] {
            assert_eq!(blank(text), Ok(false), "{text:?}");
        }
    }

    #[test]
    fn a_text_has_ten_thousand_code_points_at_most() {
        assert!(PostContent::parse("é".repeat(10_000)).is_ok());
        assert_eq!(
            PostContent::parse("é".repeat(10_001)).map_err(|refusal| refusal.code),
            Err("too_long")
        );
    }
}
