//! The transaction that takes a whole data set or nothing, and what is asked of one that is there.

use sqlx::PgPool;

use super::counters;
use super::dataset::Dataset;
use super::report::{Progress, Step};
use super::tables::{self, Shared};
use super::told;
use crate::domains::{
    comments, discovery, feed, messaging, notifications, posts, reactions, relations, users,
};
use crate::infra::cache::Described;
use crate::infra::db::Conn;
use crate::kernel::UserId;
use crate::platform::sessions;

/// What became of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the database now.
    Loaded,
    /// Its people were there before.
    AlreadyLoaded,
}

/// Writes a data set, all of it or nothing, unless its people are there.
pub async fn load(
    pool: &PgPool,
    data: &Dataset,
    shared: &Shared<'_>,
    progress: Progress<'_>,
) -> anyhow::Result<Outcome> {
    let mut tx = pool.begin().await?;
    prepare(&mut tx).await?;
    let ids: Vec<UserId> = data.accounts.iter().map(|account| account.id).collect();
    // A load is all or nothing, so one person who is there means that everything is.
    if any_account(&mut tx, &ids).await? {
        return Ok(Outcome::AlreadyLoaded);
    }
    refuse_taken_names(&mut tx, data).await?;

    let counters = counters::count(data);
    for (done, table) in tables::tables(data, &counters, shared).enumerate() {
        progress(Step {
            doing: table.name,
            done,
            of: tables::count(),
        });
        table.write(&mut tx).await?;
    }
    told::tell(&mut tx, data).await?;
    void_spaces(&mut tx).await?;
    analyze(&mut tx).await?;
    tx.commit().await?;
    Ok(Outcome::Loaded)
}

/// One load at a time, without the limits meant for requests and without voiding row by row.
async fn prepare(conn: &mut Conn) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('kith seeds', 0))")
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "select set_config('kith.bulk', 'on', true) as bulk,
                set_config('statement_timeout', '0', true) as statement_timeout,
                set_config('lock_timeout', '0', true) as lock_timeout,
                set_config('idle_in_transaction_session_timeout', '0', true) as idle_timeout"
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

async fn any_account(conn: &mut Conn, ids: &[UserId]) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from account where user_id = any($1)) as "there!""#,
        ids as _
    )
    .fetch_one(conn)
    .await
}

/// Says so plainly when other people have the names or addresses, instead of breaking a constraint.
async fn refuse_taken_names(conn: &mut Conn, data: &Dataset) -> anyhow::Result<()> {
    let usernames: Vec<String> = data.accounts.iter().map(|a| a.username.clone()).collect();
    let emails: Vec<String> = data
        .accounts
        .iter()
        .map(|account| account.email.to_lowercase())
        .collect();
    let taken = sqlx::query_scalar!(
        r#"select min(name)
           from (select username as name from account where username = any($1)
                 union all
                 select username from former_username where username = any($1)
                 union all
                 select email from credential where lower(email) = any($2)) as taken"#,
        &usernames,
        &emails
    )
    .fetch_one(conn)
    .await?;
    if let Some(name) = taken {
        anyhow::bail!(
            "`{name}` belongs to somebody else in this database: it holds other seeds already \
             (another seed number or file). Load these into an empty database. Nothing was loaded."
        );
    }
    Ok(())
}

/// The tags of every space of the cache, and of the timelines. A load silences the triggers that void single
/// entries, so it voids all of these as wholes.
pub fn every_space() -> Vec<String> {
    let spaces = [
        sessions::SPACES,
        users::SPACES,
        relations::SPACES,
        reactions::SPACES,
        posts::SPACES,
        comments::SPACES,
        feed::SPACES,
        discovery::SPACES,
        messaging::SPACES,
        notifications::SPACES,
    ];
    let spaces = spaces.into_iter().flatten().map(Described::tag);
    // Numbers of the instance are the administration's, which stands beside the seeds.
    let others = ["space:instance-stats", feed::ALL_TIMELINES];
    spaces.chain(others.map(str::to_owned)).collect()
}

async fn void_spaces(conn: &mut Conn) -> sqlx::Result<()> {
    sqlx::query!("insert into cache_void (tags) values ($1)", &every_space())
        .execute(conn)
        .await?;
    Ok(())
}

/// Tells the planner of the new rows, which it would otherwise learn of minutes later.
async fn analyze(conn: &mut Conn) -> sqlx::Result<()> {
    sqlx::query!(
        "analyze account, friendship, follow, post, post_audience, post_hashtag, comment, reaction,
                 reaction_summary, conversation, conversation_member, conversation_mark, message, post_view,
                 notification, notification_item"
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether somebody can sign in with the password of the seeds, which is public.
pub async fn has_demo_password(conn: &mut Conn) -> anyhow::Result<bool> {
    // Their salt is nobody else's, and an index holds who has it.
    let found = sqlx::query_scalar!(
        r#"select exists (
               select from credential where password_hash like '%$a2l0aCBkZW1vIHNlZWRzIQ$%'
           ) as "exists!""#
    );
    Ok(found.fetch_one(conn).await?)
}
