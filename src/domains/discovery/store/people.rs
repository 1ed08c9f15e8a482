//! Search of people by name.

use crate::domains::discovery::model::Needle;
use crate::infra::db::Conn;
use crate::kernel::ids::Id;
use crate::kernel::page::{Page, RankKey, Slice};
use crate::kernel::{Result, UserId};
use crate::keyset;

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
        needle.from(),
        needle.until(),
    )?;
    let key = |row: Match| (RankKey(row.rank, row.user_id.uuid()), row.user_id);
    Ok(slice.page(rows.into_iter().map(key).collect()))
}
