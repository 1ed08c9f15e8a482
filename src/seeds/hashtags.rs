//! The hashtags of a data set's posts, read from their texts as those of any post.

use super::copy::CopyText;
use super::dataset::Dataset;
use crate::domains::posts;

/// Writes a row for each hashtag of each post that is not deleted.
pub fn rows(data: &Dataset, copy: &mut CopyText) {
    for post in data.posts.iter().filter(|post| post.deleted_at.is_none()) {
        for tag in posts::hashtags(&post.content) {
            copy.text(&tag).id(post.id).time(post.created_at).end();
        }
    }
}
