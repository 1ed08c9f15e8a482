//! Posts as everybody who may see them is told of them: without what differs between viewers.

use super::post::{Audience, Post, PostCounts};
use super::render::{counts_of, posts};
use crate::domains::posts::cache::{POST, POST_COUNTS};
use crate::domains::reactions::{self, TargetKind};
use crate::kernel::ids::Id as _;
use crate::kernel::{PostId, Result};
use crate::platform::sessions::Viewer;
use crate::platform::{Ctx, Reads};

/// The post as its author sees it, less what is for the author alone, and without what it shares: that does not
/// change, and who may see it differs. `None` once it is gone.
pub async fn for_everybody(
    ctx: &Ctx,
    reads: &mut Reads<'_>,
    post_id: PostId,
) -> Result<Option<Post>> {
    let Some(entry) = reads.get(&POST, &post_id).await? else {
        return Ok(None);
    };
    let author = Viewer::from(entry.author_id);
    let Some(mut post) = posts(ctx, reads, author, &[post_id]).await?.pop() else {
        return Ok(None);
    };
    post.viewer = None;
    post.op_id = None;
    post.audience = Audience {
        kind: post.audience.kind,
        allow: None,
        deny: None,
    };
    post.shared_post = None;
    Ok(Some(post))
}

/// The numbers of a post, which are the same for everybody.
pub async fn counts(reads: &mut Reads<'_>, post_id: PostId) -> Result<PostCounts> {
    let target = post_id.uuid();
    let counters = reads.get(&POST_COUNTS, &post_id).await?;
    let summaries = reactions::summaries(reads, TargetKind::Post, &[target]).await?;
    let reactions = summaries.get(&target).map(|summary| &**summary);
    Ok(counts_of(counters.map(|counters| *counters), reactions))
}
