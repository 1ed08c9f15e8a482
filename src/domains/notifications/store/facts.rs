//! What handlers must know of what happened, as it is by now. Its row is held to the end of the
//! handler: whatever ends it ends later, and so does the handler that forgets it.

use crate::domains::reactions::Target;
use crate::infra::db::Conn;
use crate::kernel::{
    CommentId, ConversationId, FriendRequestId, PostId, Result, Timestamp, UserId,
};

/// When a request was made, if it is still open.
pub async fn find_open_request(
    conn: &mut Conn,
    request_id: FriendRequestId,
) -> Result<Option<Timestamp>> {
    Ok(sqlx::query_scalar!(
        r#"select created_at as "created_at: _" from friend_request
           where friend_request_id = $1 and state = 'pending'
           for share"#,
        request_id as _
    )
    .fetch_optional(conn)
    .await?)
}

/// When a request was accepted.
pub async fn find_acceptance(
    conn: &mut Conn,
    request_id: FriendRequestId,
) -> Result<Option<Timestamp>> {
    let at = sqlx::query_scalar!(
        r#"select decided_at as "decided_at: Timestamp" from friend_request
           where friend_request_id = $1 and state = 'accepted'"#,
        request_id as _
    )
    .fetch_optional(conn)
    .await?;
    Ok(at.flatten())
}

/// A comment that is not deleted, with whom it concerns.
#[derive(Debug)]
pub struct CommentFacts {
    /// Who wrote it.
    pub author_id: UserId,
    /// What it says.
    pub content: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub edited_at: Option<Timestamp>,
    /// The post it is on.
    pub post_id: PostId,
    /// Whose post that is.
    pub post_author_id: UserId,
    /// The comment it answers.
    pub parent_id: Option<CommentId>,
    /// Whose comment that is, unless it is deleted.
    pub parent_author_id: Option<UserId>,
}

/// The comment with this id, unless it or its post is deleted.
pub async fn find_comment(conn: &mut Conn, comment_id: CommentId) -> Result<Option<CommentFacts>> {
    Ok(sqlx::query_as!(
        CommentFacts,
        r#"select c.author_id as "author_id: _", c.content, c.created_at as "created_at: _",
                  c.edited_at as "edited_at: _", c.post_id as "post_id: _",
                  p.author_id as "post_author_id: _", c.parent_id as "parent_id: _",
                  parent.author_id as "parent_author_id?: _"
           from comment c
           join post p on p.post_id = c.post_id and p.deleted_at is null
           left join comment parent
                on parent.comment_id = c.parent_id and parent.deleted_at is null
           where c.comment_id = $1 and c.deleted_at is null
           for share of c"#,
        comment_id as _
    )
    .fetch_optional(conn)
    .await?)
}

/// A post that is not deleted, with whom it concerns.
#[derive(Debug)]
pub struct PostFacts {
    /// Which it is.
    pub post_id: PostId,
    /// Who wrote it.
    pub author_id: UserId,
    /// What it says.
    pub content: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub edited_at: Option<Timestamp>,
    /// The post that it shares.
    pub shared_post_id: Option<PostId>,
    /// Whose post that is.
    pub shared_author_id: Option<UserId>,
}

/// The posts with these ids, without those that are deleted, in order of id.
pub async fn list_posts(conn: &mut Conn, ids: &[PostId]) -> Result<Vec<PostFacts>> {
    Ok(sqlx::query_as!(
        PostFacts,
        r#"select p.post_id as "post_id: _", p.author_id as "author_id: _", p.content,
                  p.created_at as "created_at: _", p.edited_at as "edited_at: _",
                  p.shared_post_id as "shared_post_id: _", o.author_id as "shared_author_id?: _"
           from post p left join post o on o.post_id = p.shared_post_id
           where p.post_id = any(array(select unnest($1::uuid[]))) and p.deleted_at is null
           order by p.post_id
           for share of p"#,
        ids as _
    )
    .fetch_all(conn)
    .await?)
}

/// A reaction that is there, with whom it concerns.
#[derive(Debug)]
pub struct ReactionFacts {
    /// When it was given.
    pub at: Timestamp,
    /// Whose post or comment it was given to.
    pub author_id: UserId,
    /// The post, or the one that the comment is on.
    pub post_id: PostId,
    /// The comment.
    pub comment_id: Option<CommentId>,
}

/// A person's reaction to a post or a comment that is not deleted.
pub async fn find_reaction(
    conn: &mut Conn,
    target: Target,
    user_id: UserId,
) -> Result<Option<ReactionFacts>> {
    Ok(sqlx::query_as!(
        ReactionFacts,
        r#"select r.created_at as "at!: _", t.author_id as "author_id!: _",
                  t.post_id as "post_id!: _", t.comment_id as "comment_id?: _"
           from reaction r
           join (
               select 'post' as kind, post_id as id, author_id, post_id, null::uuid as comment_id
               from post where post_id = $2 and deleted_at is null
               union all
               select 'comment', comment_id, author_id, post_id, comment_id
               from comment where comment_id = $2 and deleted_at is null
           ) t on t.kind = r.target_kind and t.id = r.target_id
           where r.target_kind = $1 and r.target_id = $2 and r.user_id = $3
           for share of r"#,
        target.kind.as_str(),
        target.id,
        user_id as _
    )
    .fetch_optional(conn)
    .await?)
}

/// The statement of `list_called`.
pub const CALLED: &str = include_str!("called.sql");

/// Of those whom texts call by these names, who may see the post that the text is, or is on: with that post,
/// in order of id.
pub async fn list_called(
    conn: &mut Conn,
    calls: &[(PostId, String)],
) -> Result<Vec<(PostId, UserId)>> {
    if calls.is_empty() {
        return Ok(Vec::new());
    }
    let posts: Vec<PostId> = calls.iter().map(|(post_id, _)| *post_id).collect();
    let names: Vec<&str> = calls.iter().map(|(_, name)| name.as_str()).collect();
    let rows = sqlx::query_file!(
        "src/domains/notifications/store/called.sql",
        &posts as _,
        &names as _
    )
    .fetch_all(conn)
    .await?;
    let called = rows.into_iter();
    Ok(called.map(|row| (row.post_id, row.user_id)).collect())
}

/// Since when a conversation concerns somebody.
#[derive(Debug, Clone, Copy)]
pub struct TalkFacts {
    /// When they were last put into it, or asked to it.
    pub joined_at: Timestamp,
    /// When something was first said there.
    pub first_said_at: Option<Timestamp>,
}

/// A conversation that somebody is in, or asked to.
pub async fn find_talk(
    conn: &mut Conn,
    conversation_id: ConversationId,
    user_id: UserId,
) -> Result<Option<TalkFacts>> {
    Ok(sqlx::query_as!(
        TalkFacts,
        r#"select m.joined_at as "joined_at: _",
                  (select s.created_at from message s
                   where s.conversation_id = m.conversation_id and s.seq = 1)
                  as "first_said_at?: _"
           from conversation_member m
           where m.conversation_id = $1 and m.user_id = $2 and m.state in ('request', 'active')
           for share of m"#,
        conversation_id as _,
        user_id as _
    )
    .fetch_optional(conn)
    .await?)
}
