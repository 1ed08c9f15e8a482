//! All SQL of search. It reads what other domains own and writes nothing.

use crate::infra::db::Conn;
use crate::kernel::ids::Id;
use crate::kernel::page::{Page, RankKey, Slice};
use crate::kernel::{Result, UserId};
use crate::keyset;

/// Most suggestions while somebody types.
const SUGGESTIONS: i64 = 8;

/// What names are compared with. A prefix is a range from the text to the text followed by the
/// greatest character: no character of it means anything else than itself, and the range serves an
/// index under any plan.
#[derive(Debug, Clone)]
pub struct Needle {
    from: String,
    until: String,
}

impl Needle {
    /// For this text, which is in lower case. An `@` in front of a username is dropped; alone it
    /// stays, because nothing at all would be the beginning of every name.
    pub fn new(folded: &str) -> Self {
        let name = folded.strip_prefix('@').filter(|name| !name.is_empty());
        let from = name.unwrap_or(folded).to_owned();
        let until = format!("{from}{}", char::MAX);
        Self { from, until }
    }
}

struct Match {
    rank: i64,
    user_id: UserId,
}

/// People whose username or name begins with the text, then people whose names are like it; the
/// likest first. The rank depends on the text and the person alone, so pages do not shift.
pub async fn search_people(
    conn: &mut Conn,
    viewer: UserId,
    needle: &Needle,
    slice: &Slice<RankKey>,
) -> Result<Page<RankKey, UserId>> {
    let rows = keyset!(
        conn, slice, newest "m.rank", "m.user_id", Match,
        r#"select m.rank as "rank!", m.user_id as "user_id!: _"
           from (
               select a.user_id,
                      case when starts_with(a.username, $5) or starts_with(lower(a.display_name), $5)
                           then 1000000 else 0 end
                      + (1000 * greatest(
                            similarity(a.username, $5),
                            similarity(lower(a.display_name), $5),
                            word_similarity($5, lower(a.display_name))
                        ))::bigint as rank
               from visible_account($4) a
               where (
                         (a.username ~>=~ $5 and a.username ~<~ $6)
                         or (lower(a.display_name) ~>=~ $5 and lower(a.display_name) ~<~ $6)
                         or a.username % $5
                         or lower(a.display_name) % $5
                         or lower(a.display_name) %> $5
                     )
                 and exists (
                         select from user_settings s where s.user_id = a.user_id and s.searchable
                     )
           ) m
           where true"#,
        viewer as _,
        needle.from,
        needle.until,
    )?;
    let key = |row: Match| (RankKey(row.rank, row.user_id.uuid()), row.user_id);
    Ok(slice.page(rows.into_iter().map(key).collect()))
}

/// The first few people whose username or name begins with the text, friends first, then by name.
pub async fn suggest_people(
    conn: &mut Conn,
    viewer: UserId,
    needle: &Needle,
) -> Result<Vec<UserId>> {
    Ok(sqlx::query_scalar!(
        r#"select a.user_id as "user_id!: UserId"
           from visible_account($1) a
           where (
                     (a.username ~>=~ $2 and a.username ~<~ $3)
                     or (lower(a.display_name) ~>=~ $2 and lower(a.display_name) ~<~ $3)
                 )
             and exists (select from user_settings s where s.user_id = a.user_id and s.searchable)
           order by exists (
                        select from friendship f where f.user_id = $1 and f.friend_id = a.user_id
                    ) desc,
                    lower(a.display_name) collate "C", a.user_id
           limit $4"#,
        viewer as _,
        needle.from,
        needle.until,
        SUGGESTIONS
    )
    .fetch_all(conn)
    .await?)
}
