//! The tables of the cache: voids that wait for delivery, and epochs.

use crate::infra::db::Conn;
use crate::kernel::Result;

/// A void: its row, and the tags that it names.
pub type VoidRow = (i64, Vec<String>);

/// Leaves in one row what the triggers of the open transaction have gathered, which they do where the
/// setting `kith.gathers_voids` is `on`. Otherwise they have left rows of their own.
pub async fn leave_gathered(conn: &mut Conn) -> Result<Option<VoidRow>> {
    let left = sqlx::query!("select number, named from leave_gathered_voids()")
        .fetch_one(conn)
        .await?;
    Ok(left.number.zip(left.named))
}

/// Most tags that are delivered one by one. A statement by hand can leave millions in one row: to send them
/// would take longer than they may wait, and they name about everything that is cached.
const MOST_NAMED: i64 = 100_000;

/// Voids that wait for their delivery.
#[derive(Debug)]
pub struct Waiting {
    /// Their rows.
    pub ids: Vec<i64>,
    /// What they name, each tag once; `None` where that is too much to name, and nothing of the epoch
    /// counts any more.
    pub tags: Option<Vec<String>>,
}

/// Such a row; it comes without its tags where those of all rows are too many.
struct WaitingRow {
    id: i64,
    tags: Option<Vec<String>>,
}

impl Waiting {
    fn of(rows: Vec<WaitingRow>) -> Self {
        let ids = rows.iter().map(|row| row.id).collect();
        let tags: Option<Vec<Vec<String>>> = rows.into_iter().map(|row| row.tags).collect();
        let tags = tags.map(|tags| {
            let mut tags = tags.concat();
            tags.sort_unstable();
            tags.dedup();
            tags
        });
        Self { ids, tags }
    }

    /// Whether there are as many rows as were asked for at most.
    pub fn is_full(&self, limit: i64) -> bool {
        i64::try_from(self.ids.len()).is_ok_and(|rows| rows >= limit)
    }
}

/// Voids that nobody has delivered yet, the oldest first.
pub async fn list_waiting(conn: &mut Conn, limit: i64) -> Result<Waiting> {
    let rows = sqlx::query_as!(
        WaitingRow,
        r#"with waiting as (
               select cache_void_id, tags from cache_void order by cache_void_id limit $1
           )
           select cache_void_id as "id!",
                  case when sum(cardinality(tags)) over () <= $2 then tags end as "tags?"
           from waiting"#,
        limit,
        MOST_NAMED
    )
    .fetch_all(conn)
    .await?;
    Ok(Waiting::of(rows))
}

/// The tags of voids younger than `millis` that may not have been delivered yet, the newest of them. Changes of very
/// much at once are the relay's alone.
pub async fn list_young(conn: &mut Conn, millis: f64, limit: i64) -> Result<Vec<Vec<String>>> {
    Ok(sqlx::query_scalar!(
        "select tags from cache_void
         where created_at > clock_timestamp() - $1 * interval '1 millisecond'
           and cardinality(tags) <= 10000
         order by cache_void_id desc limit $2",
        millis,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Takes voids older than `millis` out of others' reach until the transaction ends.
pub async fn take_overdue(conn: &mut Conn, millis: f64, limit: i64) -> Result<Waiting> {
    let rows = sqlx::query_as!(
        WaitingRow,
        r#"with taken as (
               select cache_void_id, tags
               from cache_void
               where created_at < clock_timestamp() - $1 * interval '1 millisecond'
               order by cache_void_id
               limit $2
               for update skip locked
           )
           select cache_void_id as "id!",
                  case when sum(cardinality(tags)) over () <= $3 then tags end as "tags?"
           from taken"#,
        millis,
        limit,
        MOST_NAMED
    )
    .fetch_all(conn)
    .await?;
    Ok(Waiting::of(rows))
}

/// For how many seconds the oldest void has waited.
pub async fn oldest_waiting_seconds(conn: &mut Conn) -> Result<Option<f64>> {
    Ok(sqlx::query_scalar!(
        r#"select extract(epoch from clock_timestamp() - created_at)::float8 as "age!"
           from cache_void order by cache_void_id limit 1"#
    )
    .fetch_optional(conn)
    .await?)
}

/// Forgets voids that were delivered. Their loss in a crash is harmless: they are delivered again.
pub async fn forget(conn: &mut Conn, ids: &[i64]) -> Result<()> {
    sqlx::query!("delete from cache_void where cache_void_id = any($1)", ids)
        .execute(conn)
        .await?;
    Ok(())
}

/// The epoch of a run of Redis.
pub async fn find_epoch(conn: &mut Conn, run_id: &str) -> Result<Option<i64>> {
    Ok(
        sqlx::query_scalar!("select epoch from cache_epoch where run_id = $1", run_id)
            .fetch_optional(conn)
            .await?,
    )
}

/// Begins another epoch for a run of Redis.
pub async fn begin_epoch(conn: &mut Conn, run_id: &str) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        "insert into cache_epoch (run_id) values ($1)
         on conflict (run_id) do update set epoch = default, created_at = now()
         returning epoch",
        run_id
    )
    .fetch_one(conn)
    .await?)
}

/// Ends all epochs: whoever connects to a Redis next believes nothing that is in it.
pub async fn end_epochs(conn: &mut Conn) -> Result<()> {
    sqlx::query!("delete from cache_epoch")
        .execute(conn)
        .await?;
    Ok(())
}

/// Starts another series of epochs and of positions in the table of voids, above all that the database may
/// have given out after a backup was made: no entry of that lost time is ever taken for a present one.
/// Microseconds since 1970 grow faster than either can be counted up.
pub async fn start_new_series(conn: &mut Conn) -> Result<()> {
    end_epochs(conn).await?;
    for (table, column) in [("cache_epoch", "epoch"), ("cache_void", "cache_void_id")] {
        sqlx::query!(
            "with sequence as (select pg_get_serial_sequence($1, $2)::regclass as name)
             select setval(name, greatest(nextval(name),
                                          (extract(epoch from clock_timestamp()) * 1000000)::bigint))
             from sequence",
            table,
            column
        )
        .fetch_one(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Leaves a void for whoever finds Redis next: for changes that no trigger can see.
pub async fn leave_void(conn: &mut Conn, tags: &[String]) -> Result<()> {
    sqlx::query!("insert into cache_void (tags) values ($1)", tags)
        .execute(conn)
        .await?;
    Ok(())
}
