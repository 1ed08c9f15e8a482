//! What is cached here: things by name, with a loader that counts, can be held and can be told to
//! fail.

use std::time::Duration;

use futures_util::future::BoxFuture;
use kith::infra::cache::{Kind, Policy, Space, Value};
use kith::infra::db::Conn;
use kith::kernel::Result;
use serde::{Deserialize, Serialize};
use smallvec::smallvec;

/// The table, what the loader leaves behind, and what it is told.
pub const SCHEMA: &str = "
    create table thing (name text primary key, size bigint not null);
    call void_on_change('thing', 'thing:{name}');
    create table load (load_id bigserial, names text[] not null);
    create table told (fails boolean not null);
    insert into told values (false);";

/// A loader waits for this lock after it has read; tests hold it.
pub const GATE: i64 = 7;

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    pub size: i64,
    pub padding: String,
}

impl Value for Thing {}

pub fn thing(size: i64) -> Thing {
    Thing {
        size,
        padding: String::new(),
    }
}

pub type Things = Space<String, Thing>;

pub const fn things(name: &'static str, policy: Policy) -> Things {
    Space {
        name,
        version: 1,
        kind: Kind::Exact,
        policy,
        tags: |name| smallvec![format!("thing:{name}")],
        tables: &["thing"],
        load: load_things,
        walk: None,
    }
}

/// Lasts longer than any test.
pub const LASTING: Policy = Policy {
    jitter: 0,
    ..Policy::lasting(Duration::from_mins(10))
};

pub static THINGS: Things = things("things", LASTING);

fn load_things<'a>(
    conn: &'a mut Conn,
    names: &'a [String],
) -> BoxFuture<'a, Result<Vec<(String, Thing)>>> {
    Box::pin(async move {
        sqlx::query("insert into load (names) values ($1)")
            .bind(names)
            .execute(&mut *conn)
            .await?;
        let rows: Vec<(String, i64)> =
            sqlx::query_as("select name, size from thing where name = any($1)")
                .bind(names)
                .fetch_all(&mut *conn)
                .await?;
        sqlx::query("select pg_advisory_lock_shared($1), pg_advisory_unlock_shared($1)")
            .bind(GATE)
            .execute(&mut *conn)
            .await?;
        sqlx::query("select 1 / (not fails)::int from told")
            .execute(&mut *conn)
            .await?;
        Ok(rows
            .into_iter()
            .map(|(name, size)| (name, thing(size)))
            .collect())
    })
}
