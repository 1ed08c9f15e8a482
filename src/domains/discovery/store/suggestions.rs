//! What the beginning of a word may mean: first what is the same for everybody and may be kept for a
//! while, then what one person may see of it.

use serde::{Deserialize, Serialize};

use crate::domains::discovery::model::Needle;
use crate::infra::db::Conn;
use crate::kernel::{Result, UserId};

/// Candidates of each sort.
const CANDIDATES: i64 = 20;
/// Uses of hashtags with the prefix that are looked at: a short prefix has many.
const USES: i64 = 5_000;

/// What a prefix may mean, whoever asks. It depends on the needle alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidates {
    /// People, those with most followers first.
    pub people: Vec<UserId>,
    /// Hashtags, those with most posts first.
    pub hashtags: Vec<String>,
}

/// Finds what a prefix may mean, whoever asks.
pub async fn candidates(conn: &mut Conn, needle: &Needle) -> Result<Candidates> {
    let mut found = Candidates::default();
    if needle.may_be_person() {
        found.people = candidate_people(conn, needle).await?;
    }
    if needle.may_be_hashtag() {
        found.hashtags = candidate_hashtags(conn, needle).await?;
    }
    Ok(found)
}

/// People whom a prefix may mean, whoever asks: active, willing to be found, those with most
/// followers first.
async fn candidate_people(conn: &mut Conn, needle: &Needle) -> Result<Vec<UserId>> {
    Ok(sqlx::query_scalar!(
        r#"select a.user_id as "user_id!: UserId"
           from visible_account(null) a
           left join user_counter c on c.user_id = a.user_id
           where (
                     (a.username ~>=~ $1 and a.username ~<~ $2)
                     or (lower(a.display_name) ~>=~ $1 and lower(a.display_name) ~<~ $2)
                 )
             and exists (select from user_settings s where s.user_id = a.user_id and s.searchable)
           order by coalesce(c.followers, 0) + coalesce(c.friends, 0) desc,
                    lower(a.display_name) collate "C", a.user_id
           limit $3"#,
        needle.from(),
        needle.until(),
        CANDIDATES
    )
    .fetch_all(conn)
    .await?)
}

/// Hashtags that a prefix may mean, whoever asks: of public posts by active people, those with most
/// posts first.
async fn candidate_hashtags(conn: &mut Conn, needle: &Needle) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        "select h.tag
         from (
             select tag, post_id from post_hashtag
             where tag >= $1 and tag < $2 order by tag limit $4
         ) h
         join visible_post(null) p on p.post_id = h.post_id
         group by h.tag
         order by count(*) desc, h.tag
         limit $3",
        needle.from(),
        needle.until(),
        CANDIDATES,
        USES
    )
    .fetch_all(conn)
    .await?)
}

/// Of the candidates and of the viewer's friends whose names begin so, those whom the viewer may see
/// and who want to be found; friends first, then by name.
pub async fn suggest_people(
    conn: &mut Conn,
    viewer: UserId,
    needle: &Needle,
    candidates: &[UserId],
    limit: i64,
) -> Result<Vec<UserId>> {
    Ok(sqlx::query_scalar!(
        r#"select a.user_id as "user_id!: UserId"
           from visible_account($1) a
           where a.user_id in (
                     select unnest($4::uuid[])
                     union
                     select f.friend_id
                     from friendship f join account x on x.user_id = f.friend_id
                     where f.user_id = $1
                       and (
                           (x.username ~>=~ $2 and x.username ~<~ $3)
                           or (lower(x.display_name) ~>=~ $2 and lower(x.display_name) ~<~ $3)
                       )
                 )
             and exists (select from user_settings s where s.user_id = a.user_id and s.searchable)
           order by exists (
                        select from friendship f where f.user_id = $1 and f.friend_id = a.user_id
                    ) desc,
                    lower(a.display_name) collate "C", a.user_id
           limit $5"#,
        viewer as _,
        needle.from(),
        needle.until(),
        candidates as _,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Those of the hashtags under which the viewer would find a post, in the order given.
pub async fn keep_hashtags(
    conn: &mut Conn,
    viewer: Option<UserId>,
    tags: &[String],
) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        r#"select t.tag as "tag!"
           from unnest($2::text[]) with ordinality as t (tag, place)
           where exists (
               select from post_hashtag h join visible_post($1) p on p.post_id = h.post_id
               where h.tag = t.tag
           )
           order by t.place"#,
        viewer as _,
        tags
    )
    .fetch_all(conn)
    .await?)
}
